// Batch norm of a channels-last map, with relu in the same pass.
#pragma once

#include <ATen/core/Tensor.h>

#include "dist/batch_statistics.h"
#include "dist/communicator.h"

namespace spc {

/// relu(batch norm(x)) by the statistics of the batch over the ranks of `comm`, which also move the
/// running ones; without relu if not asked for. Differentiable in x, weight and bias.
/// @param x  [B, C, F, T] float32, float64 or bfloat16; channels are put last if they are not
///   @param comm  nullptr: this rank's own
/// @throws Error  one value per channel in all
at::Tensor fused_norm_train(const at::Tensor& x, const BatchNormTensors& bn, bool relu,
                            Communicator* comm);

}  // namespace spc
