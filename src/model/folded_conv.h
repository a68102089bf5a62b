// A convolution that has taken over the batch norms beside it: by running statistics each is one
// factor and one summand a channel.
#pragma once

#include <ATen/core/Tensor.h>

#include "dist/batch_statistics.h"
#include "model/packed_frames.h"

namespace spc {

/// y = scale x + shift for each channel. Both [C] float64.
struct ChannelAffine {
  at::Tensor scale;
  at::Tensor shift;
  [[nodiscard]] ChannelAffine channels(int64_t begin, int64_t count) const;
  /// This one, then `next`.
  [[nodiscard]] ChannelAffine then(const ChannelAffine& next) const;
};
/// What a batch norm does by its running statistics.
ChannelAffine affine_of(const BatchNormTensors& bn);

/// 3 x 3 convolutions of so many channels and more are computed by Winograd's products: with fewer
/// its passes over memory cost what it saves. Measured.
inline constexpr int64_t kFewestChannelsForWinograd = 32;

/// A convolution over packed maps [1, C, T, F], channels last; kernels are given as [out, in, F,
/// T].
class FoldedConv {
 public:
  FoldedConv() = default;
  /// 3 x 3, padded, and `after` over its outputs.
  /// @param bias  may be undefined
  static FoldedConv padded(const at::Tensor& weight, const at::Tensor& bias,
                           const ChannelAffine& after);
  /// `before` over its inputs, then 2 x 2 with stride 2. Exact because nothing is padded: padding
  /// is zero behind a norm, not in front of it.
  static FoldedConv halving(const ChannelAffine& before, const at::Tensor& weight,
                            const at::Tensor& bias);

  /// @param x  gaps zero   @param frames  of x   @returns a map whose gaps hold anything
  [[nodiscard]] at::Tensor operator()(const at::Tensor& x, const PackedFrames& frames) const;

 private:
  FoldedConv(const at::Tensor& weight, const at::Tensor& bias, int64_t stride, int64_t padding,
             at::ScalarType type);
  bool winograd_ = false;
  at::Tensor weight_;
  at::Tensor bias_;
  int64_t stride_ = 1;
  int64_t padding_ = 0;
};

}  // namespace spc
