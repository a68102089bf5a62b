#include "model/folded_conv.h"

#include <ATen/ATen.h>

#include "dist/batch_norm.h"
#include "model/channels_last.h"
#include "model/winograd_conv.h"

namespace spc {
ChannelAffine ChannelAffine::channels(int64_t begin, int64_t count) const {
  return {scale.narrow(0, begin, count), shift.narrow(0, begin, count)};
}

ChannelAffine ChannelAffine::then(const ChannelAffine& next) const {
  return {scale * next.scale, shift * next.scale + next.shift};
}

ChannelAffine affine_of(const BatchNormTensors& bn) {
  const at::Tensor scale =
      bn.weight.to(at::kDouble) * (bn.running_var.to(at::kDouble) + kBatchNormEps).rsqrt();
  return {scale, bn.bias.to(at::kDouble) - bn.running_mean.to(at::kDouble) * scale};
}

FoldedConv::FoldedConv(const at::Tensor& weight, const at::Tensor& bias, int64_t stride,
                       int64_t padding, at::ScalarType type)
    : winograd_(padding == 1 &&
                std::min(weight.size(0), weight.size(1)) >= kFewestChannelsForWinograd),
      bias_(bias.to(type)),
      stride_(stride),
      padding_(padding) {
  const at::Tensor of_frames_and_bins = weight.transpose(2, 3);
  weight_ = winograd_ ? winograd_weight(of_frames_and_bins).to(type)
                      : channels_last(of_frames_and_bins.to(type));
}

FoldedConv FoldedConv::padded(const at::Tensor& weight, const at::Tensor& bias,
                              const ChannelAffine& after) {
  const at::Tensor shift =
      bias.defined() ? after.shift + bias.to(at::kDouble) * after.scale : after.shift;
  return {weight.to(at::kDouble) * after.scale.view({-1, 1, 1, 1}), shift, 1, 1,
          weight.scalar_type()};
}

FoldedConv FoldedConv::halving(const ChannelAffine& before, const at::Tensor& weight,
                               const at::Tensor& bias) {
  const at::Tensor wide = weight.to(at::kDouble);
  const at::Tensor shift = (wide * before.shift.view({1, -1, 1, 1})).sum(at::IntArrayRef{1, 2, 3});
  return {wide * before.scale.view({1, -1, 1, 1}), bias.to(at::kDouble) + shift, 2, 0,
          weight.scalar_type()};
}

at::Tensor FoldedConv::operator()(const at::Tensor& x, const PackedFrames& frames) const {
  return winograd_ ? winograd_conv(x, weight_, bias_, frames)
                   : channels_last(at::conv2d(x, weight_, bias_, stride_, padding_));
}

}  // namespace spc
