// A block of SpcNet by running statistics over packed maps.
#pragma once

#include "model/folded_conv.h"
#include "model/fused_block.h"
#include "model/packed_maps.h"

namespace spc {

class FoldedBlock {
 public:
  FoldedBlock(const BlockTensors& tensors, const BlockSwitches& switches);

  /// @param x  in parts as split_for_blocks() makes them, gaps zero; overwritten
  /// @param whole  the result is not cut, and its gaps hold anything
  /// @returns x + block(x), in the same parts, gaps zero
  [[nodiscard]] MapParts forward(MapParts x, const PackedFrames& frames,
                                 const PackedWindows& windows, bool whole) const;
  /// Without values. @param like  type, frames and bins
  [[nodiscard]] MapParts empty_parts_like(const at::Tensor& like) const;

 private:
  [[nodiscard]] at::Tensor gated(const MapParts& x, const PackedFrames& frames,
                                 const PackedWindows& windows) const;
  BlockSwitches switches_;
  int64_t half_;
  int64_t partial_;
  FoldedConv k1_, k2_, k3_, k4_, conv_;
  ChannelNorm concatenated_;  // of what no convolution has taken over: the rest of X2
};

/// x as it is, then relu if asked for.
ChannelNorm unchanged(int64_t channels, bool relu = false);

}  // namespace spc
