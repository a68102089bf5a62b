// How gradients travel.
#pragma once

#include <ATen/core/Tensor.h>

#include <string>

#include "dist/communicator.h"

namespace spc {

/// Sums float32 values over ranks, in place, with bfloat16 on the wire: half the bytes. Rank j sums
/// the j-th part of all ranks' values in single precision; so every number is rounded once before
/// the sum and once after it, and all ranks end with the same bits.
/// @returns  sum of the squares of what this rank's roundings changed
double all_reduce_bf16(Communicator& comm, const at::Tensor& values, const std::string& what);

}  // namespace spc
