#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <cmath>
#include <tuple>

#include "loss/dino_loss.h"

namespace spc {
namespace {

// How exact targets in bfloat16 are: beside what the gradient loses when it is itself rounded to
// bfloat16, which the backward pass of the last layer does to it.
TEST(Bf16Targets, AreAsExactAsTheirGradientInBfloat16) {
  constexpr int64_t kClasses = 65536;
  DinoLossOptions options;
  options.num_views = 6;
  options.num_global_views = 2;
  options.global_utterances = 3;
  options.targets.fused = true;
  const auto wave = [](int64_t rows, double frequency) {
    const at::Tensor places = at::arange(rows * kClasses, at::kDouble) + 1;
    return at::sin(frequency * places).view({rows, kClasses});
  };
  const at::Tensor student = (0.3 * wave(18, 1.3)).to(at::kFloat);
  const at::Tensor teacher = (0.3 * wave(6, 2.1)).to(at::kFloat);
  const at::Tensor center = 0.05 * wave(1, 0.7)[0];
  const at::Tensor teacher_temp = at::scalar_tensor(0.04, at::kDouble);
  const auto of = [&](at::ScalarType logit_type, at::ScalarType target_type) {
    options.targets.type = target_type;
    const at::Tensor leaf = student.to(logit_type).clone().set_requires_grad(true);
    const DinoLossResult result =
        dino_loss(leaf, teacher.to(logit_type), center.to(logit_type), teacher_temp, options);
    result.loss.backward();
    return std::tuple(result.loss.item<double>(), leaf.grad().to(at::kDouble),
                      result.marginal_entropy.item<double>());
  };
  const auto [exact_loss, exact, exact_entropy] = of(at::kDouble, at::kDouble);
  const auto error = [&](const at::Tensor& gradient) {
    return ((gradient - exact).norm() / exact.norm()).item<double>();
  };
  const auto [loss, gradient, entropy] = of(at::kFloat, at::kBFloat16);
  const double rounding = error(exact.to(at::kBFloat16).to(at::kDouble));
  EXPECT_LT(error(gradient), 1.1 * rounding);
  EXPECT_GT(error(gradient), 0.1 * rounding) << "were they rounded at all?";
  EXPECT_LT(std::abs(loss - exact_loss), 1e-4 * exact_loss);
  EXPECT_LT(std::abs(entropy - exact_entropy), 1e-4 * exact_entropy);
  const auto [float_loss, float_gradient, float_entropy] = of(at::kFloat, at::kFloat);
  EXPECT_LT(error(float_gradient), 1e-5);
  EXPECT_LT(std::abs(float_loss - exact_loss), 1e-6 * exact_loss);
  EXPECT_LT(std::abs(float_entropy - exact_entropy), 1e-6 * exact_entropy);
}

}  // namespace
}  // namespace spc
