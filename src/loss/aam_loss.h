// Losses of a classifier over cosines. Do not communicate.   Legend: B rows, C classes
#pragma once

#include <ATen/core/Tensor.h>

namespace spc {

/// Additive angular margin softmax: the cross-entropy of s cos(theta), where the angle to the own
/// class is `margin` larger; where that is beyond pi, s (cos(theta) - margin sin(margin)). Per row,
/// as log1p, so that a loss far below the precision of the logits keeps its digits.
/// @param cosines_BC  float32 or float64   @param labels_B  int64, in [0, C), C >= 2
/// @param margin  radians, in [0, pi)
/// @returns [B], differentiable      Thread-safe: no state.
/// Source: Deng et al., "ArcFace", CVPR 2019; agrees with its formula in double precision
/// (tests/reference/aam_loss.py).
at::Tensor aam_loss(const at::Tensor& cosines_BC, const at::Tensor& labels_B, double scale,
                    double margin);

/// Cross-entropy of s cos(theta) with soft targets. @param targets_BC  rows that sum to 1
/// @returns [B], differentiable
at::Tensor soft_label_loss(const at::Tensor& cosines_BC, const at::Tensor& targets_BC,
                           double scale);

}  // namespace spc
