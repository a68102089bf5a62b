#include "loss/dino_loss.h"

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "unit/reference.h"
#include "unit/temporary_folder.h"

namespace spc {
namespace {

constexpr double kStudentTemp = 0.1;
constexpr double kTeacherTemp = 0.04;

struct Views {
  const char* name;
  int64_t views, global_views, rows, classes;
};

// As in tests/reference/dino_loss.py.
struct Inputs {
  at::Tensor student, teacher, center;
};
at::Tensor waves(int64_t count, double frequency) {
  return at::sin(frequency * (at::arange(count, at::kDouble) + 1));
}
Inputs inputs_of(const Views& v) {
  return {waves(v.views * v.rows * v.classes, 1.3).view({-1, v.classes}).set_requires_grad(true),
          waves(v.global_views * v.rows * v.classes, 2.1).view({-1, v.classes}),
          0.2 * waves(v.classes, 0.7)};
}

DinoLossResult loss_of(const Inputs& in, const Views& v) {
  return dino_loss(in.student, in.teacher, in.center, v.global_views, v.views, kStudentTemp,
                   kTeacherTemp, v.rows);
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
    const DinoLossResult result =
        dino_loss(student, part(in.teacher, v.global_views), in.center, v.global_views, v.views,
                  kStudentTemp, kTeacherTemp, v.rows);
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

INSTANTIATE_TEST_SUITE_P(Views, DinoLoss,
                         testing::Values(Views{"multi_crop", 6, 2, 3, 11},
                                         Views{"two_views", 2, 2, 3, 11},
                                         Views{"one_global", 3, 1, 2, 4},
                                         Views{"three_globals", 5, 3, 2, 4}),
                         [](const auto& each) { return std::string(each.param.name); });

constexpr Views kMultiCrop{"multi_crop", 6, 2, 3, 11};

TEST(DinoLoss, AUniformTeacherHasTheEntropyOfLnK) {
  Inputs in = inputs_of(kMultiCrop);
  in.teacher = in.center.expand({6, 11}) + 0.25;  // equal logits once the centre is taken off
  const DinoLossResult result = loss_of(in, kMultiCrop);
  EXPECT_NEAR(result.teacher_entropy.item<double>(), std::log(11.0), 1e-12);
  EXPECT_GT(result.kl.item<double>(), 0);
}

TEST(DinoLoss, AOneHotTeacherHasNoEntropy) {
  Inputs in = inputs_of(kMultiCrop);
  in.center = at::zeros({11}, at::kDouble);
  in.teacher = at::zeros({6, 11}, at::kDouble);
  in.teacher.select(1, 4).fill_(1);
  const DinoLossResult result =
      dino_loss(in.student, in.teacher, in.center, 2, 6, kStudentTemp, 0.01, 3);
  EXPECT_NEAR(result.teacher_entropy.item<double>(), 0, 1e-12);
  EXPECT_NEAR(result.marginal_entropy.item<double>(), 0, 1e-12);  // and one prototype has them all
  EXPECT_NEAR(result.prototypes_used, 1.0 / 6, 1e-12);
  EXPECT_EQ(result.logit_std.item<double>(), 0) << "all rows are alike";
  EXPECT_NEAR(result.kl.item<double>(), result.loss.item<double>(), 1e-12);
}

TEST(DinoLoss, PrototypesThatShareTheRowsEvenlyHaveMarginalEntropy) {
  Inputs in = inputs_of(kMultiCrop);
  in.center = at::zeros({11}, at::kDouble);
  in.teacher = at::zeros({6, 11}, at::kDouble);
  for (int64_t row = 0; row < 6; ++row) in.teacher[row][row % 3] = 1;
  const DinoLossResult result =
      dino_loss(in.student, in.teacher, in.center, 2, 6, kStudentTemp, 0.01, 3);
  EXPECT_NEAR(result.teacher_entropy.item<double>(), 0, 1e-12);
  EXPECT_NEAR(result.marginal_entropy.item<double>(), std::log(3.0), 1e-12);
  const DinoLossResult half =  // of a step of six utterances
      dino_loss(in.student, in.teacher, in.center, 2, 6, kStudentTemp, 0.01, 6);
  EXPECT_NEAR(half.marginal_entropy.item<double>(), std::log(3.0) / 2, 1e-12);
  EXPECT_NEAR(result.prototypes_used, 0.5, 1e-12) << "three of six";
  EXPECT_NEAR(half.prototypes_used, 0.25, 1e-12);
  // Three prototypes of eleven are 1 in a third of the rows, else 0.
  const double expected = 3 * std::sqrt(1.0 / 3 * 2 / 3) / 11;
  EXPECT_NEAR(result.logit_std.item<double>(), expected, 1e-12);
  EXPECT_NEAR(half.logit_std.item<double>(), expected / 2, 1e-12);
}

TEST(DinoLoss, AStudentThatAgreesWithItsTeacherHasNoDivergence) {
  Inputs in = inputs_of(kMultiCrop);
  const at::Tensor row = waves(11, 2.1);
  in.teacher = row.expand({6, 11}).contiguous();
  in.student = ((row - in.center) * (kStudentTemp / kTeacherTemp))
                   .expand({18, 11})
                   .contiguous()
                   .set_requires_grad(true);
  const DinoLossResult result = loss_of(in, kMultiCrop);
  result.loss.backward();
  EXPECT_NEAR(result.kl.item<double>(), 0, 1e-12);
  EXPECT_NEAR(result.loss.item<double>(), result.teacher_entropy.item<double>(), 1e-12);
  EXPECT_LT(in.student.grad().abs().max().item<double>(), 1e-12);
}

TEST(DinoLoss, ColdTemperaturesStayFiniteInSinglePrecision) {
  const int64_t classes = 4096;
  const at::Tensor signs =
      at::where(waves(18 * classes, 1.3) > 0, 1.0, -1.0).to(at::kFloat).view({18, classes});
  const at::Tensor student = signs.clone().set_requires_grad(true);
  const at::Tensor teacher = -signs.narrow(0, 0, 6);
  const DinoLossResult result =
      dino_loss(student, teacher, at::zeros({classes}), 2, 6, 0.01, 0.01, 3);
  result.loss.backward();
  for (const at::Tensor& each : {result.loss, result.teacher_entropy, result.kl, student.grad()}) {
    EXPECT_TRUE(each.isfinite().all().item<bool>());
    EXPECT_EQ(each.scalar_type(), at::kFloat);
  }
  const DinoLossResult exact = dino_loss(signs.to(at::kDouble), teacher.to(at::kDouble),
                                         at::zeros({classes}, at::kDouble), 2, 6, 0.01, 0.01, 3);
  EXPECT_NEAR(result.loss.item<double>(), exact.loss.item<double>(),
              1e-4 * exact.loss.item<double>());
}

TEST(DinoLoss, TheTeacherGetsNoGradient) {
  Inputs in = inputs_of(kMultiCrop);
  in.teacher.set_requires_grad(true);
  const DinoLossResult result = loss_of(in, kMultiCrop);
  result.loss.backward();
  EXPECT_FALSE(in.teacher.grad().defined());
  for (const at::Tensor& each : {result.center_sum, result.teacher_entropy, result.kl})
    EXPECT_FALSE(each.requires_grad());
}

TEST(DinoLoss, ShapesThatDisagreeAreAnErrorThatShowsThem) {
  const auto refusal = [](std::vector<int64_t> student, std::vector<int64_t> teacher,
                          int64_t classes, int64_t global_views, int64_t views) {
    return message_of([&] {
      (void)dino_loss(at::zeros(student), at::zeros(teacher), at::zeros({classes}), global_views,
                      views, 0.1, 0.04, 3);
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
