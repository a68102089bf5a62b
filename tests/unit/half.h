// What half precision makes of a number, by the definition of the format.
#pragma once

#include <algorithm>
#include <cmath>

namespace spc {

/// The nearest half, ties to the even one, of a number that is neither zero nor too large.
inline float rounded_to_half(float value) {
  const int exponent = std::max(-14, std::ilogb(value));  // below it all halves are as far apart
  const double units = std::ldexp(static_cast<double>(value), 10 - exponent);
  return static_cast<float>(std::ldexp(std::nearbyint(units), exponent - 10));
}

}  // namespace spc
