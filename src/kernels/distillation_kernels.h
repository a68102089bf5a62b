// Rows of soft targets, and cross-entropies against them. A row is read from memory once: what a
// call passes over again fits into a cache. For one thread; compiled for several processors as the
// map kernels are.
#pragma once

#include "kernels/maps.h"

namespace spc {

/// Of a row of targets p.
struct TargetRow {
  double mass = 0;     // sum of p as it is stored: 1 up to rounding
  double entropy = 0;  // nats, before p was rounded
  int64_t first = 0;   // the first place where the logit is largest
};

/// Targets are stored as T, all else is of the type of computation.
template <class T>
struct DistillationKernels {
  using F = Compute<T>;
  /// p = softmax((logits - center) * inverse_temp)    @param logits, center, p  [count]
  TargetRow (*target)(const F* logits, const F* center, F inverse_temp, int64_t count, T* p);
  /// With p the sum of `num_targets` rows, whose masses add up to `mass`, and s = logits *
  /// inverse_temp: the value mass * logsumexp(s) - <p, s>, and its gradient slope = (mass *
  /// softmax(s) - p) * inverse_temp    @param logits, slope  [count]
  double (*cross_entropy)(const F* logits, const T* const* targets, int64_t num_targets,
                          double mass, F inverse_temp, int64_t count, F* slope);
};

/// For T = Bf16, float, double.
template <class T>
const DistillationKernels<T>& distillation_kernels();

}  // namespace spc
