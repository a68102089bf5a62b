// Sums that are the same in every order: of whole multiples of a power of two, as 64-bit integers.
// So the number of ranks, threads and tiles does not change a bit of what is computed from them.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>

namespace spc {

class FixedPoint {
 public:
  /// Chosen so that the sum of `count` numbers, none larger than `largest`, fits; the step is then
  /// about count * largest / 2^61. @param largest  > 0   @param count  >= 1
  FixedPoint(double largest, int64_t count);

  /// int64; numbers are rounded to the nearest step.
  [[nodiscard]] at::Tensor encode(const at::Tensor& values) const;
  /// float64
  [[nodiscard]] at::Tensor decode(const at::Tensor& sums) const;
  [[nodiscard]] double decode(int64_t sum) const { return static_cast<double>(sum) / scale_; }

 private:
  double scale_;
};

}  // namespace spc
