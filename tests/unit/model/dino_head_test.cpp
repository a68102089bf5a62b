#include "model/dino_head.h"

#include <ATen/autocast_mode.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "model/fused_unit_rows.h"
#include "model/unit_rows.h"
#include "unit/model/formula.h"
#include "unit/temporary_folder.h"
#include "unit/threads.h"

namespace spc {
namespace {

DinoHeadConfig small_head(bool use_bn) {
  DinoHeadConfig config;
  config.out_dim = 7;
  config.hidden_dim = 10;
  config.bottleneck_dim = 5;
  config.use_bn = use_bn;
  return config;
}

at::Tensor last_layer(const DinoHead& head) {
  for (const NamedTensor& each : head.tensors()) {
    if (each.name == DinoHead::kLastLayer) return each.tensor;
  }
  ADD_FAILURE() << "no " << DinoHead::kLastLayer;
  return {};
}

TEST(DinoHead, HasThePromisedNamesAndShapes) {
  const DinoHead head(small_head(true), 6, 1);
  std::vector<std::string> shapes;
  for (const NamedTensor& each : head.tensors())
    shapes.push_back(concat(each.name, " ", each.tensor.sizes()));
  EXPECT_THAT(shapes, testing::UnorderedElementsAre(
                          "mlp.0.weight [10, 6]", "mlp.0.bias [10]", "bn.0.weight [10]",
                          "bn.0.bias [10]", "bn.0.running_mean [10]", "bn.0.running_var [10]",
                          "mlp.1.weight [10, 10]", "mlp.1.bias [10]", "bn.1.weight [10]",
                          "bn.1.bias [10]", "bn.1.running_mean [10]", "bn.1.running_var [10]",
                          "mlp.2.weight [5, 10]", "mlp.2.bias [5]", "last.weight [7, 5]"));
}

TEST(DinoHead, AgreesWithPyTorchForwardAndBackward) {
  const Reference reference = read_reference("dino_head.txt");
  for (const ForwardMode& mode : {kPlain, kFused}) {
    for (const bool use_bn : {true, false}) {
      const DinoHead head(small_head(use_bn), 6, 1, at::kDouble);
      fill_by_formula(head.tensors());
      expect_reference(reference, use_bn ? "bn" : "plain", head, formula_input({5, 6}), mode);
    }
  }
}

TEST(DinoHead, GivesCosinesHoweverLargeItsWeightsAre) {
  const DinoHead head(small_head(true), 6, 1, at::kDouble);
  const at::NoGradGuard no_grad;
  const at::Tensor x = formula_input({40, 6});
  const at::Tensor before = head.forward(x, {.training = true});
  EXPECT_EQ(before.sizes(), at::IntArrayRef({40, 7}));
  EXPECT_LE(before.abs().max().item<double>(), 1 + 1e-12);
  EXPECT_GT(before.abs().max().item<double>(), 0.5);
  last_layer(head).mul_(1e6);
  EXPECT_LT((head.forward(x, {.training = true}) - before).abs().max().item<double>(), 1e-12);
}

TEST(DinoHead, OneCosineIsOneWhereThePrototypeIsTheBottleneck) {
  const DinoHead head(small_head(false), 6, 1, at::kDouble);
  const at::NoGradGuard no_grad;
  const at::Tensor x = formula_input({1, 6});
  last_layer(head).copy_(at::eye(7, 5, at::kDouble));
  const at::Tensor bottleneck =
      head.forward(x, {})[0].narrow(0, 0, 5);  // its coordinates, as the prototypes are the axes
  EXPECT_NEAR(bottleneck.norm().item<double>(), 1, 1e-12);
  last_layer(head)[3].copy_(7 * bottleneck);
  EXPECT_NEAR(head.forward(x, {})[0][3].item<double>(), 1, 1e-12);
}

TEST(DinoHead, AZeroBottleneckIsNoNan) {
  const DinoHead head(small_head(false), 6, 1);
  const at::Tensor y = head.forward(at::zeros({2, 6}), {});  // biases start at zero
  EXPECT_EQ(y.abs().max().item<double>(), 0);
  y.sum().backward();
  for (const NamedTensor& each : head.tensors())
    EXPECT_TRUE(each.tensor.grad().isfinite().all().item<bool>()) << each.name;
}

TEST(UnitRows, FusedTheyAreTheSameForRowsOfAnyLength) {
  for (const at::ScalarType type : {at::kFloat, at::kDouble}) {
    at::Tensor values = formula_input({300, 37}).to(type);
    values[5].zero_();
    values[6].mul_(1e-14);  // shorter than the shortest
    values[7].mul_(1e15);
    const at::Tensor weights = formula_input({300, 37}).to(type).flip({0});
    const auto through = [&](auto unit) {
      const at::Tensor x = values.clone().set_requires_grad(true);
      const at::Tensor y = unit(x);
      (y * weights).sum().backward();
      return std::pair(y.detach(), x.grad());
    };
    const auto [plain, of_plain] = through([](const at::Tensor& x) { return unit_rows(x); });
    const auto [fused, of_fused] = through([](const at::Tensor& x) { return fused_unit_rows(x); });
    const double tolerance = type == at::kFloat ? 1e-6 : 1e-14;
    EXPECT_EQ(fused.scalar_type(), type);
    EXPECT_LT((fused - plain).abs().max().item<double>(), tolerance);
    for (int64_t row = 0; row < 300; ++row) {
      const double size = of_plain[row].norm().item<double>();
      EXPECT_LT((of_fused[row] - of_plain[row]).norm().item<double>(), 5 * tolerance * size) << row;
    }
  }
}

TEST(UnitRows, FusedNoBitDependsOnTheThreads) {
  expect_threads_change_nothing([] {
    const at::Tensor x = formula_input({1000, 37}).to(at::kFloat).set_requires_grad(true);
    const at::Tensor y = fused_unit_rows(x);
    y.backward(formula_input({1000, 37}).flip({0}).to(at::kFloat));
    return std::map<std::string, at::Tensor>{{"y", y.detach()}, {"dx", x.grad()}};
  });
}

TEST(UnitRows, FusedTheyAreOfAutocastsType) {
  const at::Tensor x = formula_input({300, 37}).to(at::kFloat).set_requires_grad(true);
  at::autocast::set_autocast_enabled(at::kCPU, true);
  at::autocast::set_autocast_dtype(at::kCPU, at::kBFloat16);
  const at::Tensor y = fused_unit_rows(x);
  at::autocast::set_autocast_enabled(at::kCPU, false);
  EXPECT_EQ(y.scalar_type(), at::kBFloat16);
  EXPECT_TRUE(at::equal(y, unit_rows(x).to(at::kBFloat16)));
  const at::Tensor dy = formula_input({300, 37}).flip({0}).to(at::kBFloat16);
  y.backward(dy);
  const at::Tensor exact = x.detach().to(at::kDouble).set_requires_grad(true);
  unit_rows(exact).backward(dy.to(at::kDouble));
  EXPECT_EQ(x.grad().scalar_type(), at::kFloat);
  EXPECT_LT((x.grad() - exact.grad()).norm().item<double>(),
            1e-6 * exact.grad().norm().item<double>());
}

TEST(DinoHead, StartsAsDescribed) {
  DinoHeadConfig config = small_head(true);
  config.out_dim = 500;
  config.hidden_dim = 300;
  config.bottleneck_dim = 256;
  const DinoHead head(config, 64, 1);
  for (const NamedTensor& each : head.tensors()) {
    const at::Tensor values = each.tensor.detach();
    if (each.name == DinoHead::kLastLayer) {
      EXPECT_LE(values.abs().max().item<double>(), 1.0 / 16);
      EXPECT_NEAR(values.std().item<double>(), 1.0 / 16 / std::sqrt(3.0), 2e-4);
    } else if (each.name.starts_with("mlp") && values.dim() == 2) {
      EXPECT_NEAR(values.std().item<double>(), 0.02, 4e-4) << each.name;
    } else if (each.name.starts_with("mlp")) {
      EXPECT_EQ(values.abs().max().item<double>(), 0) << each.name;
    }
  }
}

TEST(DinoHead, ItsConfigurationIsChecked) {
  DinoHeadConfig config;
  EXPECT_NO_THROW(config.validate());
  config.out_dim = 1;
  EXPECT_THAT(message_of<UsageError>([&] { config.validate(); }),
              testing::HasSubstr("dino.out_dim must be >= 2"));
}

}  // namespace
}  // namespace spc
