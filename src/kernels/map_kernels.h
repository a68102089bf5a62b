// The passes over memory of a network whose maps are channels-last, each compiled for several
// processors; the best one for this processor is taken at run time. Numbers are stored as T and
// computed as Compute<T>: bfloat16 and float32 in float32, float64 in float64. A call works on one
// thread; sums are added to doubles, in an order that depends on the arguments alone.
#pragma once

#include "kernels/maps.h"

namespace spc {

/// One row of frames at which the gate works: `width` pixels of `channels` neighbouring numbers.
/// up: the calibration at its own, lower resolution, of which pixel t takes row source[t].
template <class T>
struct GateRow {
  const T* x1 = nullptr;  // null: not inside the sigmoid
  const T* c3 = nullptr;
  Affine<Compute<T>> norm3;
  const Compute<T>* up = nullptr;  // [frames / r, channels]
  const int32_t* source = nullptr;
  int64_t width = 0;
  int64_t channels = 0;
};

template <class T>
struct MapKernels {
  using F = Compute<T>;

  /// sums[0][c] += sum of x, sums[1][c] += sum of x^2; no cancellation however large the mean is
  /// beside the deviation.
  void (*sums)(Slab<const T> x, Pixels pixels, double* sums_2C);
  /// y = norm(x), then relu if asked for, then + add if it has data. y may be x or add.
  void (*apply)(Slab<const T> x, Affine<F> norm, bool relu, Slab<const T> add, Slab<T> y,
                Pixels pixels);
  /// The same without the rest, in the type of computation: y [pixels of the range, channels]
  void (*apply_wide)(Slab<const T> x, Affine<F> norm, F* y, Pixels pixels);
  /// With du = dy where norm(x) > 0 or relu is false, else 0: sums[0][c] += sum of du, sums[1][c]
  /// += sum of du * (x - mean)
  void (*backward_sums)(Slab<const T> dy, Slab<const T> x, Affine<F> norm, bool relu, Pixels pixels,
                        double* sums_2C);
  /// dx = du * of_gradient + (x - mean) * of_deviation + constant, + add if it has data. dx may be
  /// dy or add.
  void (*backward_apply)(Slab<const T> dy, Slab<const T> x, Affine<F> norm, bool relu,
                         Backward<F> back, Slab<const T> add, Slab<T> dx, Pixels pixels);

  /// z = norm3(c3) * sigmoid(x1 + up). z may be c3.
  void (*gate)(GateRow<T> row, T* z);
  /// Of dz: g3 = dz * sigmoid, the gradient of norm3(c3); dx1, that inside the sigmoid (if x1 is
  /// there); dup += dx1 at its source. sums3[0][c] += sum of g3, sums3[1][c] += sum of g3 * (c3 -
  /// mean). g3 may be dz.
  void (*gate_backward)(GateRow<T> row, const T* dz, T* g3, T* dx1, F* dup, double* sums_2C);

  /// Averages of windows of r x r pixels over `rows` <= r rows, which lie row_stride elements
  /// apart; the last window of a row may be cut.
  void (*pool_average)(Slab<const T> x, int64_t rows, int64_t row_stride, int64_t width, int64_t r,
                       T* small);
  /// The largest of each, likewise.
  void (*pool_max)(Slab<const T> x, int64_t rows, int64_t row_stride, int64_t width, int64_t r,
                   T* small);
  /// small / (pixels of its window), of windows as pool_average() takes them: what each pixel of a
  /// window has of its average's gradient.
  void (*share)(Slab<const T> small, int64_t rows, int64_t width, int64_t r, F* shares);
  /// y = base + a + b + up[source]; those that are null are left out. y may be any of them.
  void (*merge)(Slab<const T> base, const T* a, const T* b, const F* up, const int32_t* source,
                int64_t width, T* y);
  /// y = x
  void (*copy)(Slab<const T> x, Slab<T> y, Pixels pixels);
  /// narrow[i] = wide[i] in the type of storage
  void (*narrow)(const F* wide, int64_t count, T* narrow);
};

/// For T = Bf16, float, double.
template <class T>
const MapKernels<T>& map_kernels();

}  // namespace spc
