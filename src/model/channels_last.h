// Maps whose channels lie side by side, [B, C, F, T] in the memory format ChannelsLast, and what is
// done to each channel alike. No autograd here. A map may lie in parts, each some of its channels
// in a tensor of its own; where it stands beside one in parts, a whole map is cut likewise.
#pragma once

#include <ATen/core/Tensor.h>

#include <vector>

#include "dist/batch_statistics.h"

namespace spc {

using MapParts = std::vector<at::Tensor>;  // an undefined one: not there

/// The map itself if its channels are last already, else a copy.
at::Tensor channels_last(const at::Tensor& map);
/// Without values. @param like  its type, rows, bins and frames
at::Tensor empty_map(const at::Tensor& like, int64_t channels);
MapParts empty_parts(const MapParts& like);

/// (x - mean) * scale + bias for each channel, then relu if asked for. All [C] float64.
struct ChannelNorm {
  at::Tensor mean;
  at::Tensor scale;
  at::Tensor bias;
  bool relu = false;
};
/// dx = dy * of_gradient + (x - mean) * of_deviation + constant. All [C] float64.
struct ChannelBackward {
  at::Tensor of_gradient;
  at::Tensor of_deviation;
  at::Tensor constant;
};

/// Of all channels of the parts. @returns [2, C] float64 and the number of values of each
ChannelSums map_sums(const MapParts& x);
/// y = norm(x) + add    @param add  empty, or parts of which some may be undefined   @param y
/// written to; may be x or add
void map_apply(const MapParts& x, const ChannelNorm& norm, const MapParts& add, const MapParts& y);
/// With du = dy where relu was open: sums of du and of du * (x - mean). @returns [2, C] float64
at::Tensor map_backward_sums(const MapParts& dy, const MapParts& x, const ChannelNorm& norm);
/// dx = du * of_gradient + (x - mean) * of_deviation + constant + add    @param dx  written to; may
/// be dy or add
void map_backward_apply(const MapParts& dy, const MapParts& x, const ChannelNorm& norm,
                        const ChannelBackward& back, const MapParts& add, const MapParts& dx);

/// The gradient of a normalisation by batch statistics, from sums over all ranks.
/// @param sums_2C  as map_backward_sums() returns them    @param scale, invstd  [C]   @param count
/// [] values of a channel
ChannelBackward norm_backward(const at::Tensor& sums_2C, const at::Tensor& scale,
                              const at::Tensor& invstd, const at::Tensor& count);

}  // namespace spc
