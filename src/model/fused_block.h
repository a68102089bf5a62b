// A block of SpcNet over channels-last maps in one autograd function: its convolutions by LibTorch,
// all that lies between them in few passes over memory, all of a pass's statistics in one message
// between ranks.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>

#include "dist/batch_statistics.h"
#include "dist/communicator.h"
#include "model/channels_last.h"

namespace spc {

/// The parameters of SpcBlock; see there.
struct BlockTensors {
  at::Tensor k1;
  at::Tensor k2, k2_bias;
  at::Tensor k3, k3_bias;
  at::Tensor k4, k4_bias;
  at::Tensor conv, conv_bias;
  BatchNormTensors k2_bn, k3_bn, k4_bn, bn, bn_out;
};

struct BlockSwitches {
  int64_t reduction = 4;
  bool max_pooling = false;
  bool identity = true;
};

/// Cuts a map as blocks take it, so that no convolution needs a copy: X1, the channels of X2 that
/// are convolved, and the others, if there are any. Differentiable.
MapParts split_for_blocks(const at::Tensor& x, int64_t partial);

/// A block in training. Differentiable in the parts and all parameters.
/// @param x  parts of [B, C, F, T] float32, float64 or bfloat16, in the type to compute in   @param
/// whole  the result is not cut
/// @returns x + block(x), in the same parts   @throws Error  one value per channel in all
MapParts fused_block_train(const MapParts& x, const BlockTensors& tensors,
                           const BlockSwitches& switches, bool whole, Communicator* comm);

}  // namespace spc
