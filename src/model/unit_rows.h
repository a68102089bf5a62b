// Rows as directions.
#pragma once

#include <ATen/ATen.h>

namespace spc {

/// A shorter row is taken to be this long.
inline constexpr double kShortestRow = 1e-12;

/// Every row scaled to length 1. Half precision would lose the small lengths: give it a wide type.
inline at::Tensor unit_rows(const at::Tensor& x) {
  return x / x.norm(2, {1}, true).clamp_min(kShortestRow);
}

}  // namespace spc
