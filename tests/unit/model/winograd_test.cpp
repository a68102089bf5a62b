#include "model/winograd_conv.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include "unit/model/packed_batch.h"

namespace spc {
namespace {

struct WinogradSize {
  int64_t inputs;
  int64_t outputs;
  int64_t bins;
  std::vector<int64_t> lengths;
};
class Winograd : public testing::TestWithParam<WinogradSize> {
 protected:
  // The largest difference from the direct sum over each utterance alone, beside the largest value.
  static double error(at::ScalarType type) {
    const auto& [inputs, outputs, bins, lengths] = GetParam();
    const PackedBatch batch = packed_batch(lengths, bins * inputs, 8);
    const at::Tensor weight = formula_input({outputs, inputs, 3, 3});
    const at::Tensor bias = formula_input({outputs});
    // [T, F * C] as it lies in memory when channels are last
    const auto as_map = [&, c = inputs, f = bins](const at::Tensor& feats) {
      return feats.reshape({-1, f, c}).permute({2, 0, 1}).unsqueeze(0);
    };
    const at::Tensor y =
        winograd_conv(as_map(batch.feats_TF).to(type).contiguous(at::MemoryFormat::ChannelsLast),
                      winograd_weight(weight).to(type), bias.to(type), batch.frames);
    double worst = 0;
    for (size_t i = 0; i < lengths.size(); ++i) {
      const at::Tensor alone = at::conv2d(as_map(batch.utts[i]), weight, bias, 1, 1);
      const at::Tensor own = y.narrow(2, batch.frames.begin(i), lengths[i]).to(at::kDouble);
      EXPECT_TRUE(own.isfinite().all().item<bool>());
      worst = std::max(worst,
                       (own - alone).abs().max().item<double>() / alone.abs().max().item<double>());
    }
    return worst;
  }
};

// What lies between the utterances is NaN.
TEST_P(Winograd, IsTheConvolutionOfEachUtterance) {
  EXPECT_LT(error(at::kDouble), 1e-13);
  EXPECT_LT(error(at::kFloat), 1e-5);
}
INSTANTIATE_TEST_SUITE_P(Sizes, Winograd,
                         testing::Values(WinogradSize{1, 1, 4, {8}}, WinogradSize{3, 5, 1, {9}},
                                         WinogradSize{32, 64, 10, {8, 9, 10, 11, 12, 13}},
                                         WinogradSize{128, 48, 20, {301, 17, 64}},
                                         WinogradSize{17, 33, 7, {40, 8}}),
                         [](const auto& each) { return concat("size", each.index); });

}  // namespace
}  // namespace spc
