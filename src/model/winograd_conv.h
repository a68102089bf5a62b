// Convolutions of 3 x 3 over packed maps with a quarter of the multiplications: see
// kernels/winograd_kernels.h. For evaluation: no autograd.
#pragma once

#include <ATen/core/Tensor.h>

#include "model/packed_frames.h"

namespace spc {

/// @param weight  [out, in, 3, 3] float64   @returns [36, in, out] float64
at::Tensor winograd_weight(const at::Tensor& weight);

/// A convolution with padding 1, of each utterance on its own: whatever lies in the gaps of x is
/// not read, and gaps of the result are not written.
/// @param x  [1, in, T, F] float32 or float64 on the CPU, channels last
/// @param weight  as winograd_weight() makes it, in the type of x   @param bias  [out]
at::Tensor winograd_conv(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias,
                         const PackedFrames& frames);

}  // namespace spc
