#include "plan/sizes.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>

namespace spc {

std::string digits_text(double value) {
  std::array<char, 32> text{};
  // Places before the point; below 1 none, and zeros right behind it do not count.
  const int whole = value > 0 ? static_cast<int>(std::floor(std::log10(value))) + 1 : 1;
  std::snprintf(text.data(), text.size(), "%.*f", std::clamp(3 - whole, 0, 9), value);
  return text.data();
}

std::string size_text(double bytes) {
  static constexpr std::array kUnits{"B", "KiB", "MiB", "GiB", "TiB"};
  size_t unit = 0;
  for (; bytes >= 1000 && unit + 1 < kUnits.size(); ++unit) bytes /= 1024;
  return digits_text(bytes) + " " + kUnits.at(unit);
}

}  // namespace spc
