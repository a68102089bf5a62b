// The widths, switches and fixed numbers of SpcNet; without LibTorch.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/options.h"

namespace spc {

struct SpcNetConfig {
  int channels = 32;                  // C0, a multiple of 8
  std::string blocks = "3,3,9,3";     // SpcBlocks per stage, four numbers
  int reduction = 4;                  // r, kernel and stride of the pooling inside a block
  std::string block_pooling = "avg";  // avg | max | none
  bool identity = true;               // X1 inside sigmoid(X1 + up)
  double pconv_ratio = 0.25;          // share of X2's channels that are convolved
  std::string pooling = "asp";        // asp: attentive statistics | stats: mean and deviation
  int pooling_hidden = 128;
  int embedding_dim = 256;  // E

  void add_to(OptionSet& options);
  void validate() const;
  [[nodiscard]] std::vector<int64_t> blocks_per_stage() const;
  /// Of the `half` channels of X2, those that are convolved; at least one.
  [[nodiscard]] int64_t partial_channels(int64_t half) const;
  /// r, or 1 without pooling.
  [[nodiscard]] int64_t block_reduction() const;
};

inline constexpr int kNumStages = 4;
/// Each of the three layers between stages halves frequency and time.
inline constexpr int64_t kTotalStride = 8;
/// What batch norm adds to a variance.
inline constexpr double kBatchNormEpsilon = 1e-5;
/// Of the variance over time, in front of its square root.
inline constexpr double kVarianceFloor = 1e-5;

}  // namespace spc
