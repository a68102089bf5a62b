// What charts draw: series of points, and how many values are made few.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

namespace spc {

using Points = std::vector<std::pair<double, double>>;

/// More than these say nothing more on a chart.
inline constexpr size_t kMostPoints = 1500;

/// At most some kMostPoints points that look the same: of each stretch its lowest, its highest, and
/// a gap if there is one.
Points thinned(const Points& points);

/// Whether there is something to draw.
bool any_finite(const Points& points);

/// The bars of a histogram: centre and count of ranges of equal, round width, each from its lower
/// edge to below its upper one; the highest value may stand on the last edge. Values that are not
/// finite are left out. Nothing for no values, else at least two bars, so that a single one can
/// be drawn.
/// @param most  bars, about, > 0   @param least_width  of a bar, >= 0
Points histogram(std::span<const float> values, int most, double least_width = 0);

/// The same of whole numbers, none below 0: a bar stands in the middle of the numbers it counts.
Points histogram_of_counts(std::span<const int64_t> values, int most);

}  // namespace spc
