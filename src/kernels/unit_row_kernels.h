// Rows scaled to length 1, and the way back. For one thread; compiled for several processors as the
// map kernels are.
#pragma once

#include "kernels/maps.h"

namespace spc {

/// Rows of the type of computation, unit rows and their gradients stored as T.
template <class T>
struct UnitRowKernels {
  using F = Compute<T>;
  /// unit = x / max(|x|, shortest)    @param inverse_lengths  [rows] 1 / that length, written to
  void (*forward)(const F* x, int64_t rows, int64_t width, F shortest, T* unit, F* inverse_lengths);
  /// dx of forward(): (dunit - u <dunit, u>) / |x|, u = x / |x|; without the second term where x
  /// was shorter
  void (*backward)(const F* x, const T* dunit, int64_t rows, int64_t width, F shortest,
                   const F* inverse_lengths, F* dx);
};

/// For T = Bf16, float, double.
template <class T>
const UnitRowKernels<T>& unit_row_kernels();

}  // namespace spc
