#include <gtest/gtest.h>

#include "unit/train/dino_cases.h"

namespace spc {
namespace {

// Within 1e-9 of the expected number, or of the scale it belongs to.
void expect_close(double actual, double expected, double scale, const std::string& what) {
  EXPECT_NEAR(actual, expected, 1e-9 * std::max(std::abs(expected), scale)) << what;
}

class DinoKernels : public testing::TestWithParam<const char*> {};
INSTANTIATE_TEST_SUITE_P(Kernels, DinoKernels, testing::Values("fused", "plain"),
                         [](const auto& kernels) { return std::string(kernels.param); });

// Forward, loss, backward, clipping, frozen prototypes, SGD, moving average, centre: all of it,
// against PyTorch.
TEST_P(DinoKernels, FiveStepsAgreeWithPyTorch) {
  const Reference reference = read_reference("dino_step.txt");
  const auto comm = make_solo_communicator();
  RunConfig config = dino_config();
  config.train.kernels = GetParam();
  Learner learner(*comm, config);
  size_t compared = 0;
  const auto expected = [&](const std::string& key) -> const std::vector<double>& {
    ++compared;
    return reference.at(key);
  };
  for (int step = 0; step < 5; ++step) {
    const StepResult result = learner.run(step);
    const std::string key = concat("step/", step, "/");
    EXPECT_TRUE(result.finite);
    expect_close(result.loss, expected(key + "loss")[0], 1, key);
    expect_close(result.grad_norm, expected(key + "grad_norm")[0], 1, key);
    expect_close(figure(result, "teacher_entropy"), expected(key + "teacher_entropy")[0], 1, key);
  }
  for (const NamedTensor& each : learner.objective().state()) {
    const at::Tensor values = each.tensor.detach();
    const std::vector<double>& wanted = expected("end/" + each.name);
    if (each.name == "center") {
      for (int64_t k = 0; k < values.numel(); ++k)
        expect_close(values[k].item<double>(), wanted[static_cast<size_t>(k)], 1, each.name);
    } else {
      expect_close(values.sum().item<double>(), wanted[0], wanted[1], each.name);
      expect_close(values.norm().item<double>(), wanted[1], wanted[1], each.name);
    }
  }
  EXPECT_EQ(compared, reference.size()) << "the reference has more than this";
}

TEST(DinoStep, TheMetricsAreThoseOfTheLoss) {
  const auto comm = make_solo_communicator();
  Learner learner(*comm);
  const double center_norm = learner.tensor("center").norm().item<double>();
  const StepResult result = learner.run(0);
  EXPECT_NEAR(figure(result, "kl") + figure(result, "teacher_entropy"), result.loss, 1e-12);
  EXPECT_NEAR(figure(result, "center_norm"), center_norm, 1e-12) << "the one that the step used";
  EXPECT_GT(figure(result, "embedding_std"), 0);
  EXPECT_LT(figure(result, "embedding_std"), 1);
  EXPECT_NEAR(learner.objective().uniform_loss(), std::log(16), 1e-12);
  EXPECT_EQ(learner.objective().network(), "teacher");
}

TEST(DinoStep, TheCentreIsUsedOneStepLater) {
  const auto comm = make_solo_communicator();
  Learner learner(*comm);
  ScheduleValues still;  // nothing moves but the centre
  still.teacher_temp = 0.04;
  still.momentum_teacher = 1;
  still.lr = 0;
  const at::Tensor first = learner.tensor("center").clone();
  const Batch batch = learner.batch(0);
  learner.objective().load(batch, {0, 4}, still);
  const at::Tensor loss = learner.objective().loss();
  learner.objective().share();
  EXPECT_TRUE(at::equal(learner.tensor("center"), first)) << "the loss must not move it";
  learner.objective().skip_update();
  EXPECT_TRUE(at::equal(learner.tensor("center"), first)) << "nor may a skipped step";

  const double before = learner.run(learner.batch(0), still).loss;
  EXPECT_NEAR(before, loss.item<double>(), 1e-12);
  const at::Tensor moved = learner.tensor("center").clone();
  EXPECT_GT(worst_difference(moved, first), 1e-3);
  const double after = learner.run(learner.batch(0), still).loss;
  EXPECT_GT(std::abs(after - before), 1e-4);

  Learner other(*comm);  // with that centre from the start
  at::Tensor center = other.tensor("center");
  center.copy_(moved);
  EXPECT_NEAR(other.run(other.batch(0), still).loss, after, 1e-12);
}

TEST(DinoStep, TheTeacherGetsNoGradientAndTheStudentDoes) {
  const auto comm = make_solo_communicator();
  Learner learner(*comm);
  const Batch batch = learner.batch(0);
  learner.objective().load(batch, {0, 4}, dino_values(0));
  learner.objective().loss().backward();
  int64_t students = 0;
  for (const NamedTensor& each : learner.objective().state()) {
    const bool is_student = each.name.starts_with("student.") && each.trainable;
    EXPECT_EQ(each.tensor.requires_grad(), is_student) << each.name;
    EXPECT_EQ(each.tensor.grad().defined(), is_student) << each.name;
    students += is_student ? 1 : 0;
  }
  EXPECT_EQ(students, static_cast<int64_t>(learner.objective().parameters().size()));
}

TEST(DinoStep, StudentAndTeacherStartAlike) {
  const auto comm = make_solo_communicator();
  const DinoObjective objective(dino_config(), kDinoBins, Precision::kFp32, c10::kCPU, *comm);
  for (const NamedTensor& each : objective.state()) {
    if (!each.name.starts_with("student.")) continue;
    EXPECT_TRUE(
        at::equal(each.tensor, tensor_named(objective.state(), "teacher." + each.name.substr(8))))
        << each.name;
  }
  EXPECT_TRUE(at::equal(tensor_named(objective.state(), "center"), at::zeros({16})));
}

}  // namespace
}  // namespace spc
