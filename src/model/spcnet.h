// SpcNet: self-calibrated and partial convolutions for speaker embeddings.
// Source: Zhang, Wu, Liu, "SpcNet: Speaker Validation Model Based on Self-Calibrated Convolution",
// PMLR 245:16-24, 2024. Legend: B utterances, T frames, F mel bins, C channels, E embedding
// dimensions. Maps are [B, C, F, T].
#pragma once

#include <optional>
#include <vector>

#include "model/fused_block.h"
#include "model/layers.h"
#include "model/spcnet_config.h"

namespace spc {

/// True lengths of the utterances in a padded batch at the present resolution, for evaluation only:
/// what lies behind them is kept at zero in front of every convolution and left out of every
/// pooling, so that padding does not change an embedding.
class Lengths {
 public:
  explicit Lengths(std::vector<int64_t> frames) : frames_(std::move(frames)) {}
  [[nodiscard]] const std::vector<int64_t>& frames() const { return frames_; }
  /// After a layer that makes ceil(T / r), or floor(T / r), frames of T.
  [[nodiscard]] Lengths ceil_divided(int64_t r) const;
  [[nodiscard]] Lengths floor_divided(int64_t r) const;
  /// Zeroes the frames behind the end in [B, C, F, T], in place.
  void clear_tail(const at::Tensor& map) const;

 private:
  std::vector<int64_t> frames_;
};

/// y = x + BN(conv(ReLU(BN(concat(Y1, Y2))))): Y1 the self-calibrated first half of the channels,
/// Y2 the partially convolved second.
class SpcBlock {
 public:
  SpcBlock(const TensorBuilder& builder, int64_t channels, const SpcNetConfig& config);
  [[nodiscard]] at::Tensor forward(const at::Tensor& x, const ForwardMode& mode,
                                   const Lengths* lengths) const;
  /// The same in training, of a map in parts. @param whole  the result is not cut
  [[nodiscard]] MapParts forward_fused(const MapParts& x, const ForwardMode& mode,
                                       bool whole) const;
  /// Channels of X2 that are convolved.
  [[nodiscard]] int64_t partial() const { return partial_; }

 private:
  [[nodiscard]] at::Tensor calibration(const at::Tensor& x1, const ForwardMode& mode,
                                       const Lengths* lengths) const;
  [[nodiscard]] at::Tensor pool(const at::Tensor& x1, const Lengths* lengths) const;
  [[nodiscard]] at::Tensor upsample(const at::Tensor& small, const at::Tensor& like,
                                    const Lengths* lengths) const;

  int64_t half_;
  int64_t partial_;  // channels that the partial convolution touches
  int64_t reduction_;
  bool max_pooling_;
  bool identity_;
  Conv k1_;
  Conv k2_;
  BatchNorm k2_bn_;
  Conv k3_;
  BatchNorm k3_bn_;
  Conv k4_;
  BatchNorm k4_bn_;
  BatchNorm bn_;
  Conv conv_;
  BatchNorm bn_out_;
};

class SpcNet {
 public:
  /// @param num_mel_bins F   @param seed  of the initial values   @param options  device, and
  /// float32, or float64 for exact comparisons
  SpcNet(const SpcNetConfig& config, int64_t num_mel_bins, uint64_t seed,
         const at::TensorOptions& options = at::kFloat);

  /// @param feats_BTF  log-mel features, mean-subtracted over time    @param lengths  true frames
  /// of each row, evaluation only
  /// @returns [B, E], the type of the features     @throws Error  fewer than 8 frames, another
  /// number of bins, lengths that do not fit
  [[nodiscard]] at::Tensor forward(const at::Tensor& feats_BTF, const ForwardMode& mode,
                                   const Lengths* lengths = nullptr) const;

  [[nodiscard]] const TensorTable& tensors() const { return table_; }
  [[nodiscard]] const SpcNetConfig& config() const { return config_; }
  [[nodiscard]] int64_t num_mel_bins() const { return num_mel_bins_; }

 private:
  [[nodiscard]] at::Tensor fused_maps(const at::Tensor& feats_B1FT, const ForwardMode& mode) const;
  [[nodiscard]] at::Tensor pool_over_time(const at::Tensor& map_BDT, const Lengths* lengths) const;

  SpcNetConfig config_;
  int64_t num_mel_bins_;
  TensorTable table_;
  struct Stem {
    Conv conv;
    BatchNorm bn;
  };
  struct Down {
    BatchNorm bn;
    Conv conv;
  };
  std::optional<Stem> stem_;
  std::vector<std::vector<SpcBlock>> stages_;
  std::vector<Down> down_;
  std::vector<Linear> attention_;  // w1, w2; none with plain statistics
  std::optional<Linear> fc_;
};

}  // namespace spc
