// Division of whole numbers.
#pragma once

#include <cstdint>

namespace spc {

/// n / by, rounded up. @param n  >= 0   @param by  > 0
constexpr int64_t ceil_divided(int64_t n, int64_t by) {
  return (n + by - 1) / by;
}

/// The least multiple of `step` that is not less than n. Parameters as above.
constexpr int64_t rounded_up(int64_t n, int64_t step) {
  return ceil_divided(n, step) * step;
}

}  // namespace spc
