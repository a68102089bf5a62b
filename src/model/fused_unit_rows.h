// unit_rows() of a large matrix in one pass each way, in the type in which it is multiplied.
#pragma once

#include <ATen/core/Tensor.h>

namespace spc {

/// Every row scaled to length 1, differentiable. Under autocast the result is of autocast's type,
/// as the product that follows would make it.
/// @param x  [R, E] float32 or float64 on the CPU
at::Tensor fused_unit_rows(const at::Tensor& x);

}  // namespace spc
