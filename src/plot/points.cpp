#include "plot/points.h"

#include <algorithm>
#include <cmath>
#include <optional>
#include <set>

#include "plot/scale.h"

namespace spc {

Points thinned(const Points& points) {
  if (points.size() <= kMostPoints) return points;
  const size_t stretch = 3 * points.size() / kMostPoints + 1;
  Points kept;
  for (size_t begin = 0; begin < points.size(); begin += stretch) {
    const size_t end = std::min(begin + stretch, points.size());
    std::set<size_t> places;  // in their order
    std::optional<size_t> gap;
    std::optional<size_t> least;
    std::optional<size_t> most;
    for (size_t i = begin; i < end; ++i) {
      const double value = points[i].second;
      if (!std::isfinite(value)) {
        if (!gap) gap = i;
        continue;
      }
      if (!least || value < points[*least].second) least = i;
      if (!most || value > points[*most].second) most = i;
    }
    for (const auto& place : {gap, least, most})
      if (place) places.insert(*place);
    for (const size_t place : places) kept.push_back(points[place]);
  }
  return kept;
}

bool any_finite(const Points& points) {
  return std::any_of(points.begin(), points.end(),
                     [](const auto& point) { return std::isfinite(point.second); });
}

Points histogram(std::span<const float> values, int most, double least_width) {
  Bounds bounds;
  for (const float value : values) bounds.add(value);
  if (bounds.empty()) return {};
  // One value has no span to divide.
  const double span =
      bounds.high > bounds.low ? bounds.high - bounds.low : std::max(1.0, std::abs(bounds.low));
  const double width = std::max(least_width, round_step(span, most));
  const auto place_of = [&](double value) {
    return static_cast<int64_t>(std::floor(value / width + 1e-6));  // 0.7F / 0.1 is below 7
  };
  const int64_t first = place_of(bounds.low);
  const auto last =
      std::max(first, static_cast<int64_t>(std::ceil(bounds.high / width - 1e-6)) - 1);
  const bool few = last - first < 2;  // an empty bar on each side, but not across zero
  const int64_t begin = first - (few && first != 0 ? 1 : 0);
  const int64_t end = last + (few ? 2 : 1);
  Points bars;
  bars.reserve(static_cast<size_t>(end - begin));
  for (int64_t place = begin; place < end; ++place)
    bars.emplace_back((static_cast<double>(place) + 0.5) * width, 0);
  for (const float value : values) {
    if (!std::isfinite(value)) continue;
    const int64_t place = std::min(place_of(value), last);
    bars[static_cast<size_t>(place - begin)].second += 1;
  }
  return bars;
}

Points histogram_of_counts(std::span<const int64_t> values, int most) {
  std::vector<float> inside;  // of a bar, far from its edges
  inside.reserve(values.size());
  for (const int64_t value : values) inside.push_back(static_cast<float>(value) + 0.5F);
  Points bars = histogram(inside, most, 1);
  for (auto& [center, count] : bars) center -= 0.5;
  return bars;
}

}  // namespace spc
