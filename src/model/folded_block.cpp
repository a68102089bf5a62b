#include "model/folded_block.h"

#include <ATen/ATen.h>

namespace spc {

ChannelNorm unchanged(int64_t channels, bool relu) {
  const at::Tensor zeros = at::zeros({channels}, at::kDouble);
  return {zeros, at::ones({channels}, at::kDouble), zeros, relu};
}

FoldedBlock::FoldedBlock(const BlockTensors& t, const BlockSwitches& switches)
    : switches_(switches),
      half_(t.k3.size(0)),
      partial_(t.k1.size(0)),
      k2_(FoldedConv::padded(t.k2, t.k2_bias, affine_of(t.k2_bn))),
      k3_(FoldedConv::padded(t.k3, t.k3_bias, affine_of(t.k3_bn))),
      conv_(FoldedConv::padded(t.conv, t.conv_bias, affine_of(t.bn_out))) {
  const ChannelAffine bn = affine_of(t.bn);
  k4_ = FoldedConv::padded(t.k4, t.k4_bias, affine_of(t.k4_bn).then(bn.channels(0, half_)));
  k1_ = FoldedConv::padded(t.k1, {}, bn.channels(half_, partial_));
  const int64_t taken = half_ + partial_;
  const ChannelAffine rest = bn.channels(taken, 2 * half_ - taken);
  concatenated_ = unchanged(taken, true);
  concatenated_.mean = at::zeros({2 * half_}, at::kDouble);
  concatenated_.scale = at::cat({concatenated_.scale, rest.scale});
  concatenated_.bias = at::cat({concatenated_.bias, rest.shift});
}

MapParts FoldedBlock::empty_parts_like(const at::Tensor& like) const {
  MapParts parts{empty_map(like, half_), empty_map(like, partial_)};
  if (partial_ < half_) parts.push_back(empty_map(like, half_ - partial_));
  return parts;
}

at::Tensor FoldedBlock::gated(const MapParts& x, const PackedFrames& frames,
                              const PackedWindows& windows) const {
  const at::Tensor small =
      windows.r() == 1
          ? x[0]
          : packed_pool(x[0], windows,
                        switches_.max_pooling ? WindowPooling::kMax : WindowPooling::kAverage);
  at::Tensor z = k3_(x[0], frames);
  packed_gate(switches_.identity ? x[0] : at::Tensor(), k2_(small, windows.small()), windows, z);
  return z;
}

MapParts FoldedBlock::forward(MapParts x, const PackedFrames& frames, const PackedWindows& windows,
                              bool whole) const {
  MapParts concatenated{k4_(gated(x, frames, windows), frames), k1_(x[1], frames)};
  if (x.size() > 2) concatenated.push_back(x[2]);
  at::Tensor y = empty_map(x[0], 2 * half_);
  map_apply(concatenated, concatenated_, {}, {y});
  concatenated.clear();
  clear_gaps({y}, frames);
  const at::Tensor c = conv_(y, frames);
  y.reset();
  MapParts result = whole ? MapParts{c} : x;
  map_apply({c}, unchanged(2 * half_), x, result);
  if (!whole) clear_gaps(result, frames);
  return result;
}

}  // namespace spc
