#include "plot/scale.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>

namespace spc {

void Bounds::add(double value) {
  if (!std::isfinite(value)) return;
  low = std::min(low, value);
  high = std::max(high, value);
}

Scale Bounds::scale(double begin, double end, double margin) const {
  const double room = std::max((high - low) * margin, high == low ? 0.5 : 0);
  return {low - room, high + room, begin, end};
}

double probit(double p) {
  double low = -9;
  double high = 9;
  for (int i = 0; i < 60; ++i) {
    const double middle = (low + high) / 2;
    (0.5 * std::erfc(-middle / std::sqrt(2.0)) < p ? low : high) = middle;
  }
  return (low + high) / 2;
}

double round_step(double span, int most) {
  const double rough = span / most;
  const double power = std::pow(10, std::floor(std::log10(rough)));
  double step = 10 * power;
  for (const double factor : {5.0, 2.0, 1.0})
    if (factor * power >= rough) step = factor * power;
  return step;
}

std::vector<double> ticks(double low, double high, int most) {
  std::vector<double> places;
  if (!(high > low)) return places;
  const double step = round_step(high - low, most);
  for (double place = std::ceil(low / step) * step; place <= high + step * 1e-9; place += step)
    places.push_back(std::abs(place) < step * 1e-6 ? 0 : place);
  return places;
}

std::vector<double> log_ticks(double low, double high, int most) {
  std::vector<double> all;
  std::vector<double> decades;
  for (double decade = std::floor(low); decade <= high; ++decade) {
    for (const double factor : {1.0, 2.0, 5.0}) {
      const double place = decade + std::log10(factor);
      if (place < low || place > high) continue;
      all.push_back(place);
      if (factor == 1.0) decades.push_back(place);
    }
  }
  return all.size() > static_cast<size_t>(most) && decades.size() > 1 ? decades : all;
}

std::string short_number(double value) {
  std::array<char, 32> digits{};
  const double size = std::abs(value);
  const char* unit = size >= 1e6 ? "M" : size >= 1e4 ? "k" : "";
  const double scaled = size >= 1e6 ? value / 1e6 : size >= 1e4 ? value / 1e3 : value;
  std::snprintf(digits.data(), digits.size(), "%.4g%s", scaled, unit);
  return digits.data();
}

}  // namespace spc
