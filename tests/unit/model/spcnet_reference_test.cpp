#include <gtest/gtest.h>

#include "model/spcnet.h"
#include "unit/model/formula.h"

namespace spc {
namespace {

struct Variant {
  const char* name;
  int64_t num_mel_bins;
  const char* pooling;
  const char* block_pooling;
  bool identity;
};
class SpcNetReference : public testing::TestWithParam<std::tuple<Variant, bool>> {};

TEST_P(SpcNetReference, AgreesWithPyTorchForwardAndBackward) {
  const auto& [variant, fused] = GetParam();
  SpcNetConfig config = small_config();
  config.pooling = variant.pooling;
  config.block_pooling = variant.block_pooling;
  config.identity = variant.identity;
  const SpcNet network(config, variant.num_mel_bins, 1, at::kDouble);
  fill_by_formula(network.tensors());
  expect_reference(read_reference("spcnet.txt"), variant.name, network,
                   formula_input({3, 37, variant.num_mel_bins}), fused ? kFused : kPlain);
}

INSTANTIATE_TEST_SUITE_P(
    Variants, SpcNetReference,
    testing::Combine(testing::Values(Variant{"asp_avg", 20, "asp", "avg", true},
                                     Variant{"asp_avg_plain", 24, "asp", "avg", false},
                                     Variant{"asp_max", 20, "asp", "max", true},
                                     Variant{"asp_none", 24, "asp", "none", true},
                                     Variant{"stats_avg", 20, "stats", "avg", true},
                                     Variant{"stats_max_plain", 24, "stats", "max", false},
                                     Variant{"stats_none_plain", 20, "stats", "none", false}),
                     testing::Bool()),
    [](const auto& each) {
      return std::string(std::get<0>(each.param).name) + (std::get<1>(each.param) ? "_fused" : "");
    });

TEST(SpcNet, AgreesWithPyTorchAtOtherWidths) {
  SpcNetConfig config = small_config("2,1,2,1");
  config.channels = 16;
  config.reduction = 3;
  config.pconv_ratio = 0.5;
  for (const ForwardMode& mode : {kPlain, kFused}) {
    const SpcNet network(config, 21, 1, at::kDouble);
    fill_by_formula(network.tensors());
    expect_reference(read_reference("spcnet.txt"), "widths", network, formula_input({3, 37, 21}),
                     mode);
  }
}

TEST(SpcNet, SinglePrecisionStaysCloseToDouble) {
  const SpcNet single(small_config(), 20, 1);
  const SpcNet exact(small_config(), 20, 1, at::kDouble);
  fill_by_formula(single.tensors());
  fill_by_formula(exact.tensors());
  const at::NoGradGuard no_grad;
  const at::Tensor x = formula_input({3, 37, 20});
  const at::Tensor y = single.forward(x.to(at::kFloat), {.training = true});
  EXPECT_EQ(y.scalar_type(), at::kFloat);
  EXPECT_LT((y - exact.forward(x, {.training = true})).abs().max().item<double>(), 1e-4);
}

}  // namespace
}  // namespace spc
