// The median, of an even number of values one of the two in the middle. `values` is not empty.
#pragma once

#include <algorithm>
#include <cstddef>
#include <vector>

namespace spc {

inline double nth_of(std::vector<double> values, size_t n) {
  const auto at = values.begin() + static_cast<std::ptrdiff_t>(n);
  std::nth_element(values.begin(), at, values.end());
  return *at;
}

inline double lower_middle(const std::vector<double>& values) {
  return nth_of(values, (values.size() - 1) / 2);
}

inline double upper_middle(const std::vector<double>& values) {
  return nth_of(values, values.size() / 2);
}

}  // namespace spc
