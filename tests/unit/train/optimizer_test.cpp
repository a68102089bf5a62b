#include "train/optimizer.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <tuple>

#include "unit/reference.h"
#include "unit/threads.h"
#include "unit/train/tensors.h"

namespace spc {
namespace {

at::Tensor sines(at::IntArrayRef shape, double frequency, double phase) {
  return at::sin(frequency * at::arange(c10::multiply_integers(shape), at::kDouble) + phase)
      .view(shape);
}

std::vector<NamedTensor> a_matrix_and_a_vector() {
  return {{"weight", sines({3, 4}, 1.1, 0.2).set_requires_grad(true)},
          {"bias", sines({5}, 0.6, 0.9).set_requires_grad(true)}};
}

OptimConfig config_of(const std::string& type) {
  OptimConfig config;
  config.type = type;
  config.weight_decay = 0.3;
  config.momentum = 0.9;
  config.beta1 = 0.85;
  config.beta2 = 0.97;
  config.eps = 1e-4;
  return config;
}

void set_gradients(const std::vector<NamedTensor>& parameters, int step) {
  parameters[0].tensor.mutable_grad() = sines({3, 4}, 0.7, step) * step;
  parameters[1].tensor.mutable_grad() = sines({5}, 0.5, 2 * step);
}

// A type, and the way it is computed: one pass over memory, or lists of tensors as on a GPU.
class OptimizerTest : public testing::TestWithParam<std::tuple<std::string, bool>> {
 protected:
  static std::string type() { return std::get<0>(GetParam()); }
  static std::unique_ptr<Optimizer> make(const std::vector<NamedTensor>& parameters) {
    return make_optimizer(config_of(type()), parameters,
                          std::get<1>(GetParam()) ? kUpdateInLists : kUpdateInOnePass);
  }
};

// A vector gets no weight decay, a matrix does; the learning rate changes with every step.
TEST_P(OptimizerTest, AgreesWithPyTorchStepByStep) {
  const Reference reference = read_reference("optimizer.txt");
  const std::vector<NamedTensor> parameters = a_matrix_and_a_vector();
  const auto optimizer = make(parameters);
  for (int step = 1; step <= 10; ++step) {
    set_gradients(parameters, step);
    optimizer->step({0.02 * step, {}, {}});
    for (const NamedTensor& each : parameters) {
      const std::vector<double>& expected = reference.at(concat(type(), "/", each.name, "/", step));
      EXPECT_LT(worst_difference(each.tensor.view(-1), at::tensor(expected, at::kDouble)), 1e-12)
          << each.name << ", step " << step;
    }
  }
}

TEST_P(OptimizerTest, LeavesAParameterWithoutGradientAlone) {
  const std::vector<NamedTensor> parameters = a_matrix_and_a_vector();
  const auto optimizer = make(parameters);
  set_gradients(parameters, 1);
  optimizer->step({0.1, {}, {}});  // now there is momentum, and decay has something to pull at
  const Snapshot state(optimizer->state());
  const Snapshot before(parameters);
  parameters[0].tensor.mutable_grad().reset();
  optimizer->step({0.1, {}, {}});
  EXPECT_TRUE(at::equal(parameters[0].tensor, before["weight"]));
  EXPECT_FALSE(at::equal(parameters[1].tensor, before["bias"]));
  for (const NamedTensor& each : optimizer->state()) {
    EXPECT_EQ(at::equal(each.tensor, state[each.name]), each.name.starts_with("weight."))
        << each.name;
  }
}

TEST_P(OptimizerTest, ContinuesFromItsStateAsIfItHadNeverStopped) {
  const std::vector<NamedTensor> parameters = a_matrix_and_a_vector();
  const auto optimizer = make(parameters);
  const std::vector<NamedTensor> continued = a_matrix_and_a_vector();
  std::unique_ptr<Optimizer> other;
  for (int step = 1; step <= 6; ++step) {
    if (step == 4) {
      copy_tensors(parameters, continued);
      other = make(continued);
      copy_tensors(optimizer->state(), other->state());
    }
    set_gradients(parameters, step);
    optimizer->step({0.05, {}, {}});
    if (!other) continue;
    set_gradients(continued, step);
    other->step({0.05, {}, {}});
  }
  EXPECT_TRUE(at::equal(parameters[0].tensor, continued[0].tensor));
  EXPECT_TRUE(at::equal(parameters[1].tensor, continued[1].tensor));
}

TEST(Optimizer, StateIsNamedAfterTheParameters) {
  const auto names = [](const std::string& type) {
    std::string all;
    for (const NamedTensor& each :
         make_optimizer(config_of(type), a_matrix_and_a_vector())->state()) {
      EXPECT_FALSE(each.trainable);
      all += each.name + " ";
    }
    return all;
  };
  EXPECT_EQ(names("sgd"), "weight.momentum bias.momentum ");
  EXPECT_EQ(names("adamw"),
            "weight.exp_avg bias.exp_avg weight.exp_avg_sq bias.exp_avg_sq weight.step bias.step ");
}

// In float and double, sizes that no vector divides; also where nothing is updated.
TEST_P(OptimizerTest, AveragesFollowAndGradientsAreScaledInTheSamePass) {
  for (const at::ScalarType type : {at::kFloat, at::kDouble}) {
    const auto parameters_of = [&] {
      return std::vector<NamedTensor>{
          {"weight", sines({7, 13}, 1.1, 0.2).to(type).set_requires_grad(true)},
          {"still", sines({5}, 0.6, 0.9).to(type).set_requires_grad(true)}};
    };
    const std::vector<NamedTensor> parameters = parameters_of();
    const std::vector<NamedTensor> apart = parameters_of();
    const auto optimizer = make(parameters);
    const auto other = make(apart);
    const std::vector<at::Tensor> averages{sines({7, 13}, 0.3, 1).to(type),
                                           sines({5}, 0.3, 2).to(type)};
    std::vector<at::Tensor> expected{averages[0].clone(), averages[1].clone()};
    for (int step = 1; step <= 3; ++step) {
      const at::Tensor gradient = sines({7, 13}, 0.7, step).to(type);
      parameters[0].tensor.mutable_grad() = gradient;
      apart[0].tensor.mutable_grad() = gradient * 0.25;
      optimizer->step({0.05, {0.25, 1}, {averages, 0.9}});
      other->step({0.05, {}, {}});
      for (size_t i = 0; i < 2; ++i)
        expected[i] = expected[i] * 0.9 + apart[i].tensor.detach() * 0.1;
    }
    const double tolerance = type == at::kFloat ? 1e-6 : 1e-14;
    for (size_t i = 0; i < 2; ++i) {
      EXPECT_LT(worst_difference(parameters[i].tensor, apart[i].tensor), tolerance);
      EXPECT_LT(worst_difference(averages[i], expected[i]), tolerance);
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Ways, OptimizerTest,
                         testing::Combine(testing::Values("sgd", "adamw"), testing::Bool()),
                         [](const auto& each) {
                           return std::get<0>(each.param) +
                                  (std::get<1>(each.param) ? "_in_lists" : "_in_one_pass");
                         });

TEST(Clipping, ShortensEachTensorOnItsOwn) {
  std::vector<NamedTensor> parameters{
      {"long", at::zeros({2}, at::kDouble).set_requires_grad(true)},
      {"short", at::zeros({2, 2}, at::kDouble).set_requires_grad(true)},
      {"none", at::zeros({3}, at::kDouble).set_requires_grad(true)}};
  parameters[0].tensor.mutable_grad() = at::tensor({3.0, 4.0}, at::kDouble);
  parameters[1].tensor.mutable_grad() = at::full({2, 2}, 0.5, at::kDouble);
  const Clipping result = clipping(parameters, 2.5);
  EXPECT_NEAR(result.norm, std::sqrt(26.0), 1e-12) << "before clipping, of all together";
  EXPECT_EQ(result.clipped, 1);
  ASSERT_EQ(result.scales.size(), 3U);
  EXPECT_NEAR(result.scales[0], 0.5, 1e-6);
  EXPECT_EQ(result.scales[1], 1);
  EXPECT_EQ(result.scales[2], 1);
}

TEST(Clipping, ZeroMeansNoLimit) {
  std::vector<NamedTensor> parameters{
      {"long", at::zeros({2}, at::kDouble).set_requires_grad(true)}};
  parameters[0].tensor.mutable_grad() = at::tensor({3e5, 4e5}, at::kDouble);
  const Clipping result = clipping(parameters, 0);
  EXPECT_NEAR(result.norm, 5e5, 1e-6);
  EXPECT_EQ(result.clipped, 0);
  EXPECT_EQ(result.scales, std::vector<double>{1});
}

class UpdateInOnePass : public testing::TestWithParam<std::string> {};

// A matrix that is cut into shares in the middle of a row, and of a vector of the processor.
TEST_P(UpdateInOnePass, NoBitDependsOnTheThreads) {
  expect_threads_change_nothing([] {
    const std::vector<NamedTensor> parameters{
        {"weight", sines({3, 40001}, 1.1, 0.2).to(at::kFloat).set_requires_grad(true)}};
    const std::vector<at::Tensor> averages{sines({3, 40001}, 0.3, 1).to(at::kFloat)};
    const auto optimizer = make_optimizer(config_of(GetParam()), parameters);
    for (int step = 1; step <= 2; ++step) {
      parameters[0].tensor.mutable_grad() = sines({3, 40001}, 0.7, step).to(at::kFloat);
      optimizer->step({0.05, {0.5}, {averages, 0.9}});
    }
    parameters[0].tensor.mutable_grad().reset();
    optimizer->step({0.05, {0.5}, {averages, 0.9}});
    std::map<std::string, at::Tensor> all{{"weight", parameters[0].tensor.detach()},
                                          {"average", averages[0]}};
    for (const NamedTensor& each : optimizer->state()) all[each.name] = each.tensor;
    return all;
  });
}

INSTANTIATE_TEST_SUITE_P(Types, UpdateInOnePass, testing::Values("sgd", "adamw"),
                         [](const auto& each) { return each.param; });

}  // namespace
}  // namespace spc
