#include "loss/dino_loss.h"

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "unit/reference.h"
#include "unit/temporary_folder.h"
#include "unit/threads.h"

namespace spc {
namespace {

struct Views {
  const char* name;
  int64_t views, global_views, rows, classes;
  bool fused = false;
};

DinoLossOptions options_of(const Views& v) {
  DinoLossOptions options;
  options.num_global_views = v.global_views;
  options.num_views = v.views;
  options.global_utterances = v.rows;
  options.targets = {v.fused, at::kDouble};
  return options;
}

// As in tests/reference/dino_loss.py.
struct Inputs {
  at::Tensor student, teacher, center;
  double teacher_temp = 0.04;
};
at::Tensor number(double value) {
  return at::scalar_tensor(value, at::kDouble);
}
at::Tensor waves(int64_t count, double frequency) {
  return at::sin(frequency * (at::arange(count, at::kDouble) + 1));
}
Inputs inputs_of(const Views& v) {
  return {waves(v.views * v.rows * v.classes, 1.3).view({-1, v.classes}).set_requires_grad(true),
          waves(v.global_views * v.rows * v.classes, 2.1).view({-1, v.classes}),
          0.2 * waves(v.classes, 0.7)};
}

DinoLossResult loss_of(const Inputs& in, const DinoLossOptions& options) {
  return dino_loss(in.student, in.teacher, in.center, number(in.teacher_temp), options);
}
DinoLossResult loss_of(const Inputs& in, const Views& v) {
  return loss_of(in, options_of(v));
}

void expect_near(const at::Tensor& actual, const std::vector<double>& expected, double tolerance) {
  ASSERT_EQ(actual.numel(), static_cast<int64_t>(expected.size()));
  const at::Tensor wanted = at::tensor(expected, at::kDouble).view(actual.sizes());
  EXPECT_LT((actual - wanted).abs().max().item<double>(), tolerance);
}

class DinoLoss : public testing::TestWithParam<Views> {};

TEST_P(DinoLoss, EqualsTheLoopOverPairsOfViews) {
  const Views v = GetParam();
  const Reference reference = read_reference("dino_loss.txt");
  const auto expected = [&](const std::string& what) {
    return reference.at(concat(v.name, "/", what));
  };
  const Inputs in = inputs_of(v);
  const DinoLossResult result = loss_of(in, v);
  result.loss.backward();
  expect_near(result.loss.detach(), expected("loss"), 1e-12);
  expect_near(in.student.grad(), expected("gradient"), 1e-12);
  expect_near(result.teacher_entropy, expected("entropy"), 1e-12);
  expect_near(result.kl, expected("kl"), 1e-12);
  expect_near(result.center_sum, expected("center_sum"), 1e-12);
}

TEST_P(DinoLoss, GradientAgreesWithFiniteDifferences) {
  const Views v = GetParam();
  const Inputs in = inputs_of(v);
  (3 * loss_of(in, v).loss)
      .backward();  // the factor stands for what follows the loss, e.g. a loss scale
  const at::NoGradGuard no_grad;
  constexpr double kStep = 1e-5;
  for (int64_t i = 0; i < in.student.numel(); i += 3) {
    at::Tensor element = in.student.view(-1)[i];
    const auto loss_at = [&](double shift) {
      element.add_(shift);
      const double loss = loss_of(in, v).loss.item<double>();
      element.sub_(shift);
      return loss;
    };
    const double numeric = 3 * (loss_at(kStep) - loss_at(-kStep)) / (2 * kStep);
    ASSERT_NEAR(in.student.grad().view(-1)[i].item<double>(), numeric, 1e-8) << i;
  }
}

TEST_P(DinoLoss, NoBitDependsOnTheThreads) {
  expect_threads_change_nothing([] {
    const Inputs in = inputs_of(GetParam());
    const DinoLossResult result = loss_of(in, GetParam());
    result.loss.backward();
    return std::map<std::string, at::Tensor>{{"loss", result.loss.detach()},
                                             {"slope", in.student.grad()},
                                             {"center_sum", result.center_sum},
                                             {"teacher_entropy", result.teacher_entropy},
                                             {"marginal_entropy", result.marginal_entropy},
                                             {"prototypes_used", result.prototypes_used},
                                             {"kl", result.kl}};
  });
}

TEST_P(DinoLoss, PartsOfRanksSumToTheWhole) {
  const Views v = GetParam();
  const Inputs in = inputs_of(v);
  const DinoLossResult whole = loss_of(in, v);
  whole.loss.backward();
  at::Tensor sums = at::zeros({3}, at::kDouble);
  at::Tensor center_sum = at::zeros({v.classes}, at::kDouble);
  at::Tensor gradient = at::zeros({v.views, v.rows, v.classes}, at::kDouble);
  for (const auto& [begin, count] :
       {std::pair<int64_t, int64_t>{0, 1}, std::pair<int64_t, int64_t>{1, v.rows - 1}}) {
    const auto part = [&](const at::Tensor& all, int64_t views) {
      return all.detach()
          .view({views, v.rows, v.classes})
          .narrow(1, begin, count)
          .reshape({-1, v.classes});
    };
    const at::Tensor student = part(in.student, v.views).set_requires_grad(true);
    const DinoLossResult result = dino_loss(student, part(in.teacher, v.global_views), in.center,
                                            number(in.teacher_temp), options_of(v));
    result.loss.backward();
    sums += at::stack({result.loss.detach(), result.teacher_entropy, result.kl});
    center_sum += result.center_sum;
    gradient.narrow(1, begin, count).copy_(student.grad().view({v.views, count, v.classes}));
  }
  EXPECT_LT((sums - at::stack({whole.loss.detach(), whole.teacher_entropy, whole.kl}))
                .abs()
                .max()
                .item<double>(),
            1e-12);
  EXPECT_LT((center_sum - whole.center_sum).abs().max().item<double>(), 1e-12);
  EXPECT_LT((gradient.view({-1, v.classes}) - in.student.grad()).abs().max().item<double>(), 1e-12);
}

std::vector<Views> both_ways(std::initializer_list<Views> all) {
  std::vector<Views> result;
  for (const bool fused : {false, true}) {
    for (Views each : all) {
      each.fused = fused;
      result.push_back(each);
    }
  }
  return result;
}
std::string name_of(const testing::TestParamInfo<Views>& each) {
  return concat(each.param.name, each.param.fused ? "_fused" : "_plain");
}

INSTANTIATE_TEST_SUITE_P(Views, DinoLoss,
                         testing::ValuesIn(both_ways({{"multi_crop", 6, 2, 3, 11},
                                                      {"two_views", 2, 2, 3, 11},
                                                      {"one_global", 3, 1, 2, 4},
                                                      {"three_globals", 5, 3, 2, 4}})),
                         name_of);

class MultiCrop : public testing::TestWithParam<Views> {};
INSTANTIATE_TEST_SUITE_P(Views, MultiCrop,
                         testing::ValuesIn(both_ways({{"multi_crop", 6, 2, 3, 11}})), name_of);

TEST_P(MultiCrop, AUniformTeacherHasTheEntropyOfLnK) {
  Inputs in = inputs_of(GetParam());
  in.teacher = in.center.expand({6, 11}) + 0.25;  // equal logits once the centre is taken off
  const DinoLossResult result = loss_of(in, GetParam());
  EXPECT_NEAR(result.teacher_entropy.item<double>(), std::log(11.0), 1e-12);
  EXPECT_GT(result.kl.item<double>(), 0);
}

TEST_P(MultiCrop, AOneHotTeacherHasNoEntropy) {
  Inputs in = inputs_of(GetParam());
  in.center = at::zeros({11}, at::kDouble);
  in.teacher = at::zeros({6, 11}, at::kDouble);
  in.teacher.select(1, 4).fill_(1);
  in.teacher_temp = 0.01;
  DinoLossOptions options = options_of(GetParam());
  const DinoLossResult result = loss_of(in, options);
  EXPECT_NEAR(result.teacher_entropy.item<double>(), 0, 1e-12);
  EXPECT_NEAR(result.marginal_entropy.item<double>(), 0, 1e-12);  // and one prototype has them all
  EXPECT_NEAR(result.prototypes_used.item<double>(), 1.0 / 6, 1e-12);
  EXPECT_EQ(result.logit_std.item<double>(), 0) << "all rows are alike";
  EXPECT_NEAR(result.kl.item<double>(), result.loss.item<double>(), 1e-12);
}

TEST_P(MultiCrop, PrototypesThatShareTheRowsEvenlyHaveMarginalEntropy) {
  Inputs in = inputs_of(GetParam());
  in.center = at::zeros({11}, at::kDouble);
  in.teacher = at::zeros({6, 11}, at::kDouble);
  for (int64_t row = 0; row < 6; ++row) in.teacher[row][row % 3] = 1;
  in.teacher_temp = 0.01;
  DinoLossOptions options = options_of(GetParam());
  const DinoLossResult result = loss_of(in, options);
  EXPECT_NEAR(result.teacher_entropy.item<double>(), 0, 1e-12);
  EXPECT_NEAR(result.marginal_entropy.item<double>(), std::log(3.0), 1e-12);
  options.global_utterances = 6;
  const DinoLossResult half = loss_of(in, options);
  EXPECT_NEAR(half.marginal_entropy.item<double>(), std::log(3.0) / 2, 1e-12);
  EXPECT_NEAR(result.prototypes_used.item<double>(), 0.5, 1e-12) << "three of six";
  EXPECT_NEAR(half.prototypes_used.item<double>(), 0.25, 1e-12);
  // Three prototypes of eleven are 1 in a third of the rows, else 0.
  const double expected = 3 * std::sqrt(1.0 / 3 * 2 / 3) / 11;
  EXPECT_NEAR(result.logit_std.item<double>(), expected, 1e-12);
  EXPECT_NEAR(half.logit_std.item<double>(), expected / 2, 1e-12);
}

TEST_P(MultiCrop, AStudentThatAgreesWithItsTeacherHasNoDivergence) {
  Inputs in = inputs_of(GetParam());
  const at::Tensor row = waves(11, 2.1);
  in.teacher = row.expand({6, 11}).contiguous();
  in.student =
      ((row - in.center) * (0.1 / 0.04)).expand({18, 11}).contiguous().set_requires_grad(true);
  const DinoLossResult result = loss_of(in, GetParam());
  result.loss.backward();
  EXPECT_NEAR(result.kl.item<double>(), 0, 1e-12);
  EXPECT_NEAR(result.loss.item<double>(), result.teacher_entropy.item<double>(), 1e-12);
  EXPECT_LT(in.student.grad().abs().max().item<double>(), 1e-12);
}

TEST_P(MultiCrop, ColdTemperaturesStayFiniteInSinglePrecision) {
  const int64_t classes = 4096;
  const at::Tensor signs =
      at::where(waves(18 * classes, 1.3) > 0, 1.0, -1.0).to(at::kFloat).view({18, classes});
  const at::Tensor student = signs.clone().set_requires_grad(true);
  const at::Tensor teacher = -signs.narrow(0, 0, 6);
  DinoLossOptions options = options_of(GetParam());
  options.student_temp = 0.01;
  options.targets.type = at::kFloat;
  const DinoLossResult result =
      dino_loss(student, teacher, at::zeros({classes}), number(0.01), options);
  result.loss.backward();
  for (const at::Tensor& each : {result.loss, result.teacher_entropy, result.kl, student.grad()})
    EXPECT_TRUE(each.isfinite().all().item<bool>());
  for (const at::Tensor& each : {result.loss, student.grad()})
    EXPECT_EQ(each.scalar_type(), at::kFloat);
  options.targets.type = at::kDouble;
  const DinoLossResult exact = dino_loss(signs.to(at::kDouble), teacher.to(at::kDouble),
                                         at::zeros({classes}, at::kDouble), number(0.01), options);
  EXPECT_NEAR(result.loss.item<double>(), exact.loss.item<double>(),
              1e-4 * exact.loss.item<double>());
}

TEST_P(MultiCrop, TheTeacherGetsNoGradient) {
  Inputs in = inputs_of(GetParam());
  in.teacher.set_requires_grad(true);
  const DinoLossResult result = loss_of(in, GetParam());
  result.loss.backward();
  EXPECT_FALSE(in.teacher.grad().defined());
  for (const at::Tensor& each : {result.center_sum, result.teacher_entropy, result.kl})
    EXPECT_FALSE(each.requires_grad());
}

// A logit that is not finite must not be computed away: the step that has one is skipped.
TEST_P(MultiCrop, ALogitThatIsNotFiniteMakesTheLossSo) {
  for (const double bad : {std::nan(""), HUGE_VAL}) {
    Inputs in = inputs_of(GetParam());
    in.teacher[4][10] = bad;
    EXPECT_FALSE(std::isfinite(loss_of(in, GetParam()).loss.item<double>()));
    in = inputs_of(GetParam());
    in.student.detach()[17][3] = bad;
    EXPECT_FALSE(std::isfinite(loss_of(in, GetParam()).loss.item<double>()));
  }
}

TEST(DinoLoss, ShapesThatDisagreeAreAnErrorThatShowsThem) {
  const auto refusal = [](std::vector<int64_t> student, std::vector<int64_t> teacher,
                          int64_t classes, int64_t global_views, int64_t views) {
    return message_of([&] {
      (void)dino_loss(at::zeros(student), at::zeros(teacher), at::zeros({classes}), number(0.04),
                      options_of({"", views, global_views, 3, classes}));
    });
  };
  EXPECT_THAT(refusal({18, 11}, {5, 11}, 11, 2, 6),
              testing::HasSubstr("dino_loss: student [18, 11], teacher [5, 11], centre [11]"));
  EXPECT_THAT(refusal({18, 11}, {6, 11}, 12, 2, 6), testing::HasSubstr("dino_loss: student"));
  EXPECT_THAT(refusal({17, 11}, {6, 11}, 11, 2, 6), testing::HasSubstr("dino_loss: student"));
  EXPECT_THAT(refusal({6, 11}, {18, 11}, 11, 6, 2), testing::HasSubstr("dino_loss: student"));
  EXPECT_THAT(refusal({18, 11}, {6, 11}, 11, 2, 0), testing::HasSubstr("dino_loss: student"));
  EXPECT_THAT(refusal({3, 11}, {3, 11}, 11, 1, 1),
              testing::HasSubstr("a view other than the single global one"));
}

}  // namespace
}  // namespace spc
