#include "loss/aam_loss.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <cmath>

#include "unit/reference.h"

namespace spc {
namespace {

struct AamCase {
  const char* name;
  int64_t rows, classes;
  double scale, margin;
};

class AamLossReference : public testing::TestWithParam<AamCase> {};

// As in tests/reference/aam_loss.py.
at::Tensor aam_cosines(const AamCase& c) {
  const at::Tensor places = at::arange(c.rows * c.classes, at::kDouble) + 1;
  return (0.99 * at::sin(1.3 * places)).view({c.rows, c.classes});
}

TEST_P(AamLossReference, LossAndGradientAreThoseOfTheFormula) {
  const AamCase& c = GetParam();
  const Reference reference = read_reference("aam_loss.txt");
  const auto expected = [&](const std::string& what) {
    const std::vector<double>& values = reference.at(std::string(c.name) + "/" + what);
    return at::tensor(values, at::kDouble);
  };
  const at::Tensor cosines = aam_cosines(c).set_requires_grad(true);
  const at::Tensor labels = at::arange(c.rows, at::kLong) % c.classes;
  const at::Tensor losses = aam_loss(cosines, labels, c.scale, c.margin);
  (losses * at::arange(1, c.rows + 1)).sum().backward();
  EXPECT_LT((losses - expected("loss")).abs().max().item<double>(), 1e-12);
  EXPECT_LT((cosines.grad().flatten() - expected("gradient")).abs().max().item<double>(), 1e-9);
}
INSTANTIATE_TEST_SUITE_P(Cases, AamLossReference,
                         testing::Values(AamCase{"paper", 7, 5, 30, 0.2},
                                         AamCase{"no_margin", 4, 3, 10, 0},
                                         AamCase{"large", 6, 9, 32, 0.5},
                                         AamCase{"beyond", 5, 4, 3, 1.2}),
                         [](const auto& each) { return each.param.name; });

TEST(AamLoss, KeepsTheDigitsOfSmallLosses) {
  const at::Tensor cosines = at::tensor({1.f, -0.5f, -0.4f}).view({1, 3});
  const at::Tensor labels = at::zeros({1}, at::kLong);
  const double expected = std::log1p(std::exp(-45.0) + std::exp(-42.0));
  EXPECT_NEAR(aam_loss(cosines, labels, 30, 0).item<double>() / expected, 1, 1e-5);
}

TEST(AamLoss, HasAGradientWhereTheCosineIsOne) {
  const at::Tensor cosines = at::tensor({1.f, -1.f}).view({1, 2}).repeat({2, 1});
  const at::Tensor leaf = cosines.clone().set_requires_grad(true);
  aam_loss(leaf, at::tensor({0, 1}, at::kLong), 30, 0.2).sum().backward();
  EXPECT_TRUE(leaf.grad().isfinite().all().item<bool>());
}

TEST(SoftLabelLoss, OfOneHotTargetsIsTheLossWithoutMargin) {
  const AamCase c{"", 6, 4, 20, 0};
  const at::Tensor cosines = aam_cosines(c);
  const at::Tensor labels = at::arange(6, at::kLong) % 4;
  EXPECT_LT((soft_label_loss(cosines, at::one_hot(labels, 4).to(at::kDouble), 20) -
             aam_loss(cosines, labels, 20, 0))
                .abs()
                .max()
                .item<double>(),
            1e-12);
  const at::Tensor halves = at::full({6, 4}, 0.25, at::kDouble);
  EXPECT_LT((soft_label_loss(cosines, halves, 20) + at::log_softmax(20 * cosines, 1).mean(1))
                .abs()
                .max()
                .item<double>(),
            1e-12);
}

}  // namespace
}  // namespace spc
