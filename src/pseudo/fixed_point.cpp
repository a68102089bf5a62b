#include "pseudo/fixed_point.h"

#include <ATen/ATen.h>

#include <cmath>

#include "base/error.h"

namespace spc {

FixedPoint::FixedPoint(double largest, int64_t count) {
  SPC_ASSERT(largest > 0 && std::isfinite(largest) && count >= 1, "a bound for the sum");
  constexpr int kBits = 62;
  int exponent = 0;
  std::frexp(largest * static_cast<double>(count), &exponent);
  scale_ = std::ldexp(1.0, kBits - exponent);
}

at::Tensor FixedPoint::encode(const at::Tensor& values) const {
  return values.to(at::kDouble).mul(scale_).round_().to(at::kLong);
}

at::Tensor FixedPoint::decode(const at::Tensor& sums) const {
  return sums.to(at::kDouble).div_(scale_);
}

}  // namespace spc
