// From data to places on a chart.
#pragma once

#include <limits>
#include <string>
#include <vector>

namespace spc {

/// A linear axis: [low, high] in the data is [begin, end] in the drawing.
struct Scale {
  double low;
  double high;
  double begin;
  double end;
  double operator()(double value) const {
    return begin + (value - low) / (high - low) * (end - begin);
  }
};

/// What the data span.
struct Bounds {
  double low = std::numeric_limits<double>::infinity();
  double high = -std::numeric_limits<double>::infinity();
  /// A value that is not finite changes nothing.
  void add(double value);
  [[nodiscard]] bool empty() const { return low > high; }
  /// With room around it, a share of the span, so that no line runs along the frame.
  [[nodiscard]] Scale scale(double begin, double end, double margin) const;
};

/// The standard normal quantile. @param p  in (0, 1)
double probit(double p);

/// 1, 2 or 5 times a power of ten that divides `span` into at most `most` parts. @param span  > 0
double round_step(double span, int most);

/// Round numbers that divide [low, high] into at most `most` parts.
std::vector<double> ticks(double low, double high, int most);

/// The logarithms to base ten of round numbers, for an axis that runs from 10^low to 10^high: 1, 2
/// and 5 of each decade, or the decades alone where these are more than `most`.
std::vector<double> log_ticks(double low, double high, int most);

/// A number of few digits: "12k", "0.05".
std::string short_number(double value);

}  // namespace spc
