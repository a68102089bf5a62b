#include "dist/batch_norm.h"

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "dist/batch_norm_kernels.h"
#include "unit/dist/batch_norm_cases.h"
#include "unit/temporary_folder.h"
#include "unit/threads.h"

namespace spc {
namespace {

void expect_close(const Pass& a, const Pass& b, double tolerance) {
  EXPECT_LT(distance(a.y, b.y), tolerance);
  EXPECT_LT(distance(a.dx, b.dx), tolerance);
  EXPECT_LT(distance(a.dweight, b.dweight),
            tolerance * std::max(1.0, b.dweight.abs().max().item<double>()));
  EXPECT_LT(distance(a.dbias, b.dbias),
            tolerance * std::max(1.0, b.dbias.abs().max().item<double>()));
  EXPECT_LT(distance(a.running_mean, b.running_mean), tolerance);
  EXPECT_LT(distance(a.running_var, b.running_var), tolerance);
}

class BatchNormShapes : public testing::TestWithParam<std::vector<int64_t>> {};

TEST_P(BatchNormShapes, AgreesWithTheLibraryInDoublePrecision) {
  const at::Tensor x = wavy(GetParam(), at::kDouble);
  const at::Tensor dy = wavy(GetParam(), at::kDouble, 5);
  expect_close(run_pass(x, dy, bn_tensors(GetParam()[1], at::kDouble), ours),
               run_pass(x, dy, bn_tensors(GetParam()[1], at::kDouble), theirs), 1e-12);
}

TEST_P(BatchNormShapes, AgreesWithTheLibraryInSinglePrecision) {
  const at::Tensor x = wavy(GetParam(), at::kFloat);
  const at::Tensor dy = wavy(GetParam(), at::kFloat, 5);
  const Pass pass = run_pass(x, dy, bn_tensors(GetParam()[1], at::kFloat), ours);
  EXPECT_EQ(pass.y.scalar_type(), at::kFloat);
  expect_close(pass, run_pass(x, dy, bn_tensors(GetParam()[1], at::kFloat), theirs), 1e-5);
}

TEST_P(BatchNormShapes, KeepsTheTypeOfHalfPrecisionAndItsAccuracy) {
  const at::Tensor x = wavy(GetParam(), at::kBFloat16);
  const at::Tensor dy = wavy(GetParam(), at::kBFloat16, 5);
  const Pass half = run_pass(x, dy, bn_tensors(GetParam()[1], at::kFloat), ours);
  EXPECT_EQ(half.y.scalar_type(), at::kBFloat16);
  EXPECT_EQ(half.dx.scalar_type(), at::kBFloat16);
  EXPECT_EQ(half.dweight.scalar_type(), at::kFloat);
  const Pass exact =
      run_pass(x.to(at::kDouble), dy.to(at::kDouble), bn_tensors(GetParam()[1], at::kDouble), ours);
  // Results are rounded once, to 8 bits; sums over them are not rounded at all.
  EXPECT_LE(((half.y.to(at::kDouble) - exact.y).abs() - exact.y.abs() / 256).max().item<double>(),
            1e-5);
  EXPECT_LE(
      ((half.dx.to(at::kDouble) - exact.dx).abs() - exact.dx.abs() / 256).max().item<double>(),
      1e-5);
  EXPECT_LT(distance(half.dweight, exact.dweight), 1e-6 * static_cast<double>(exact.y.numel()));
  EXPECT_LT(distance(half.running_var, exact.running_var), 1e-6);
}

INSTANTIATE_TEST_SUITE_P(Shapes, BatchNormShapes,
                         testing::Values(std::vector<int64_t>{4, 3, 5, 7},
                                         std::vector<int64_t>{6, 5}, std::vector<int64_t>{2, 1, 9},
                                         std::vector<int64_t>{1, 2, 2},
                                         std::vector<int64_t>{3, 4, 16, 33}));

// What GPUs compute with, here on the CPU, against the CPU's own loops.
TEST(BatchNormPasses, OfLibTorchsOperationsAgreeWithThoseOfTheCpu) {
  for (const auto& [type, tolerance] : {std::pair{at::kDouble, 1e-13}, std::pair{at::kFloat, 1e-6},
                                        std::pair{at::kBFloat16, 1e-2}}) {
    for (const double offset : {0.5, 1e4}) {
      if (type == at::kBFloat16 && offset > 1) continue;  // it has no digits left for a deviation
      const at::Tensor x = wavy({6, 3, 50}, type, 0, offset, 0.7);
      const at::Tensor dy = wavy({6, 3, 50}, type, 5);
      const at::Tensor mean = x.to(at::kDouble).mean(at::IntArrayRef({0, 2}));
      const at::Tensor a = wavy({3}, at::kDouble, 1);
      const at::Tensor b = wavy({3}, at::kDouble, 2);
      const at::Tensor c = wavy({3}, at::kDouble, 3);
      const auto run = [&](const BatchNormPasses& passes) {
        std::vector<at::Tensor> results{at::empty({2, 3}, at::kDouble),
                                        at::empty({2, 3}, at::kDouble), at::empty_like(x),
                                        at::empty_like(x)};
        passes.sums(x, results[0]);
        passes.backward_sums(dy, x, mean, results[1]);
        passes.apply(x, mean, a, b, results[2]);
        passes.backward_apply(dy, x, mean, a, b, c, results[3]);
        return results;
      };
      const std::vector<at::Tensor> cpu = run(kCpuBatchNorm);
      const std::vector<at::Tensor> aten = run(kAtenBatchNorm);
      for (size_t i = 0; i < cpu.size(); ++i) {
        EXPECT_LT(distance(aten[i], cpu[i]),
                  tolerance * cpu[i].to(at::kDouble).abs().max().item<double>())
            << type << ", mean " << offset << ", result " << i;
      }
    }
  }
}

TEST(BatchNorm, TakesStridedInputs) {
  const at::Tensor x = wavy({4, 7, 5, 3}, at::kDouble).transpose(1, 3);
  const at::Tensor dy = wavy({5, 4, 3, 7}, at::kDouble, 5).permute({1, 2, 0, 3});
  ASSERT_FALSE(x.is_contiguous());
  expect_close(run_pass(x, dy, bn_tensors(3, at::kDouble), ours),
               run_pass(x, dy, bn_tensors(3, at::kDouble), theirs), 1e-12);
}

TEST(BatchNorm, GradientsAgreeWithFiniteDifferences) {
  const at::Tensor x = wavy({3, 2, 4}, at::kDouble);
  const at::Tensor dy = wavy({3, 2, 4}, at::kDouble, 5);
  const BatchNormTensors bn = bn_tensors(2, at::kDouble);
  const Pass pass = run_pass(x, dy, bn, ours);
  const at::NoGradGuard no_grad;
  const auto numeric_gradient = [&](const at::Tensor& variable) {
    constexpr double kStep = 1e-5;
    at::Tensor gradient = at::zeros_like(variable);
    for (int64_t i = 0; i < variable.numel(); ++i) {
      at::Tensor element = variable.view(-1)[i];
      const auto loss_at = [&](double shift) {
        element.add_(shift);
        const double loss = (batch_norm_train(x, bn, nullptr) * dy).sum().item<double>();
        element.sub_(shift);
        return loss;
      };
      gradient.view(-1)[i] = (loss_at(kStep) - loss_at(-kStep)) / (2 * kStep);
    }
    return gradient;
  };
  EXPECT_LT(distance(numeric_gradient(x), pass.dx), 1e-8);
  EXPECT_LT(distance(numeric_gradient(bn.weight), pass.dweight), 1e-8);
  EXPECT_LT(distance(numeric_gradient(bn.bias), pass.dbias), 1e-8);
}

TEST(BatchNorm, ALargeMeanBesideASmallDeviationCostsNoAccuracy) {
  // In single precision the square of 1e4 has a rounding error of 4, the variance is 0.01:
  // mean(x^2) - mean^2 would be noise.
  const at::Tensor x = wavy({8, 2, 50, 40}, at::kFloat, 0, 1e4, 0.1);
  const at::Tensor dy = wavy({8, 2, 50, 40}, at::kFloat, 5);
  const Pass pass = run_pass(x, dy, bn_tensors(2, at::kFloat), ours);
  const Pass exact =
      run_pass(x.to(at::kDouble), dy.to(at::kDouble), bn_tensors(2, at::kDouble), theirs);
  EXPECT_LT(distance(pass.y, exact.y), 1e-5);
  EXPECT_LT(distance(pass.dx, exact.dx), 1e-5 * exact.dx.abs().max().item<double>());
  EXPECT_LT(distance(pass.dweight, exact.dweight), 1e-5 * exact.dweight.abs().max().item<double>());
  EXPECT_LT(distance(pass.running_var, exact.running_var), 1e-6);
  EXPECT_LT(distance(pass.running_mean, exact.running_mean), 1e-3);
}

TEST(BatchNorm, TheNumberOfThreadsDoesNotChangeABit) {
  const at::Tensor x = wavy({5, 6, 9, 11}, at::kFloat);
  const at::Tensor dy = wavy({5, 6, 9, 11}, at::kFloat, 5);
  expect_threads_change_nothing([&] {
    const Pass pass = run_pass(x, dy, bn_tensors(6, at::kFloat), ours);
    return std::map<std::string, at::Tensor>{{"y", pass.y},
                                             {"dx", pass.dx},
                                             {"dweight", pass.dweight},
                                             {"dbias", pass.dbias},
                                             {"running_mean", pass.running_mean},
                                             {"running_var", pass.running_var}};
  });
}

TEST(BatchNorm, EvaluationUsesTheRunningStatisticsAndLeavesThem) {
  const at::NoGradGuard no_grad;
  for (const at::ScalarType type : {at::kDouble, at::kFloat}) {
    const at::Tensor x = wavy({4, 3, 5}, type);
    const BatchNormTensors bn = bn_tensors(3, type);
    const at::Tensor mean = bn.running_mean.clone();
    const at::Tensor var = bn.running_var.clone();
    const auto column = [](const at::Tensor& values) { return values.view({1, 3, 1}); };
    const at::Tensor expected =
        (x - column(mean)) / (column(var) + 1e-5).sqrt() * column(bn.weight) + column(bn.bias);
    EXPECT_LT(distance(batch_norm_eval(x, bn), expected), type == at::kDouble ? 1e-12 : 1e-5);
    EXPECT_TRUE(at::equal(bn.running_mean, mean));
    EXPECT_TRUE(at::equal(bn.running_var, var));
  }
}

TEST(BatchNorm, OneValuePerChannelIsAnErrorThatSaysWhatToChange) {
  EXPECT_EQ(message_of([] {
              (void)batch_norm_train(at::ones({1, 3}), bn_tensors(3, at::kFloat), nullptr);
            }),
            "batch norm needs more than one value per channel; make train.batch_size or the crops "
            "larger");
}

TEST(BatchNorm, AConstantChannelGivesItsBias) {
  const BatchNormTensors bn = bn_tensors(2, at::kFloat);
  const at::Tensor y = batch_norm_train(at::full({3, 2, 4}, 7.25f), bn, nullptr);
  EXPECT_LT(distance(y, bn.bias.view({1, 2, 1}).expand({3, 2, 4})), 1e-4);
}

}  // namespace
}  // namespace spc
