// Mean and deviation over time, weighted.
#pragma once

#include <ATen/core/Tensor.h>

namespace spc {

/// Weights are the softmax of `logits` over dimension `time`, where -inf leaves a frame out.
/// @param x  like logits, float32 or float64   @returns mean and deviation side by side in the last
/// dimension, without that of time
at::Tensor weighted_statistics(const at::Tensor& x, const at::Tensor& logits, int64_t time);

}  // namespace spc
