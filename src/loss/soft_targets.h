// A teacher's softmax as targets, and the cross-entropy of a student's logits against their sums.
// Legend: V views, G global views, B rows of this rank, K prototypes
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>

namespace spc {

/// How soft targets are computed and kept.
struct TargetFormat {
  /// In a few passes over memory of our own, on the CPU; else LibTorch's operations, on any device.
  bool fused = false;
  /// Of the probabilities that are kept, if fused: that of the logits, or kBFloat16.
  at::ScalarType type = at::kFloat;
};

struct SoftTargets {
  at::Tensor probabilities;  // [G B, K]
  at::Tensor masses;         // [G B] float64, sums of the probabilities as they are kept; if fused
  at::Tensor entropies;      // [G B] nats
  at::Tensor first_choices;  // [G B] int64, the most likely prototype
};

/// softmax((teacher - center) / temp)   @param center_K  of the same type   @param temp  []
/// float64, on the same device
SoftTargets soft_targets(const at::Tensor& teacher_GBK, const at::Tensor& center_K,
                         const at::Tensor& temp, const TargetFormat& format);

/// sum over views v and rows b of |T_v,b| logsumexp(s_v,b / temp) - <T_v,b, s_v,b> / temp, T_v the
/// sum of the targets of all global views but v itself: the cross-entropies of all pairs of
/// different views in V passes instead of G V, without a stored log-softmax. Differentiable in the
/// student's logits.
/// @param student_VBK  view-major, global views first
at::Tensor cross_view_entropy(const at::Tensor& student_VBK, const SoftTargets& targets,
                              int64_t num_global_views, int64_t num_views, double temp,
                              const TargetFormat& format);

}  // namespace spc
