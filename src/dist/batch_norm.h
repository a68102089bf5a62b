// Batch normalisation whose statistics may span all ranks. One implementation: a single rank is the
// case of nothing to reduce.
#pragma once

#include <ATen/core/Tensor.h>

#include "dist/batch_statistics.h"
#include "dist/communicator.h"

namespace spc {

inline constexpr double kBatchNormEps = 1e-5;
inline constexpr double kBatchNormMomentum = 0.1;

/// Training: normalises by the statistics of the batch, over the ranks of `comm` weighted by their
/// element counts, and moves the running statistics. Sums are taken in double, on a GPU those
/// within a plane in float32; differentiable in x, weight and bias.
/// @param x_NC  [N, C, ...] float32, float64 or bfloat16; the result has its type    @param comm
/// nullptr: this rank's statistics alone
/// @throws Error  one value per channel in all: there is no variance to normalise by
at::Tensor batch_norm_train(const at::Tensor& x_NC, const BatchNormTensors& bn, Communicator* comm);

/// Evaluation: normalises by the running statistics.
at::Tensor batch_norm_eval(const at::Tensor& x_NC, const BatchNormTensors& bn);

}  // namespace spc
