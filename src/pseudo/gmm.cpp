#include "pseudo/gmm.h"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <numeric>
#include <utility>

namespace spc {
namespace {

// Weighted sums of one component, about a common centre so that nothing cancels.
struct Moments {
  double count = 0;
  double first = 0;
  double second = 0;

  void add(double share, double distance) {
    count += share;
    first += share * distance;
    second += share * distance * distance;
  }
};

// A component that lost all its samples stays where it was, with no weight.
void update(Gaussian& component, const Moments& moments, double centre, double samples,
            double min_variance) {
  component.weight = moments.count / samples;
  if (moments.count <= 0) return;
  const double mean = moments.first / moments.count;
  component.mean = centre + mean;
  component.variance = std::max(moments.second / moments.count - mean * mean, min_variance);
}

double mean_of(const std::vector<double>& values) {
  return std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
}

}  // namespace

double log_density(const Gaussian& component, double value) {
  const double distance = value - component.mean;
  return std::log(component.weight) - 0.5 * (std::log(2 * std::numbers::pi * component.variance) +
                                             distance * distance / component.variance);
}

Mixture split_in_two(const std::vector<double>& sorted, double min_variance) {
  const double centre = mean_of(sorted);
  const auto samples = static_cast<double>(sorted.size());
  Mixture mixture;
  mixture.low = mixture.high = {0.5, centre, min_variance};
  if (sorted.front() == sorted.back()) return mixture;
  // The distances to the means are least where this is largest; the sum of both groups is zero.
  double sum = 0;
  double best = 0;
  size_t low_count = 0;
  for (size_t i = 0; i + 1 < sorted.size(); ++i) {
    sum += sorted[i] - centre;
    const auto count = static_cast<double>(i + 1);
    const double between = sum * sum * samples / (count * (samples - count));
    if (between > best && sorted[i] < sorted[i + 1]) {
      best = between;
      low_count = i + 1;
    }
  }
  Moments low;
  Moments high;
  for (size_t i = 0; i < sorted.size(); ++i)
    (i < low_count ? low : high).add(1, sorted[i] - centre);
  update(mixture.low, low, centre, samples, min_variance);
  update(mixture.high, high, centre, samples, min_variance);
  return mixture;
}

Mixture fit_mixture(const std::vector<double>& values, Mixture start, const EmOptions& options) {
  const double centre = mean_of(values);
  const auto samples = static_cast<double>(values.size());
  Mixture mixture = start;
  for (mixture.iterations = 0; mixture.iterations < options.max_iterations;) {
    Moments low;
    Moments high;
    double log_likelihood = 0;
    for (const double value : values) {
      const double low_log = log_density(mixture.low, value);
      const double high_log = log_density(mixture.high, value);
      const double ratio = std::exp(-std::abs(low_log - high_log));
      const double larger_share = 1 / (1 + ratio);
      const double low_share = low_log >= high_log ? larger_share : ratio / (1 + ratio);
      low.add(low_share, value - centre);
      high.add(1 - low_share, value - centre);
      log_likelihood += std::max(low_log, high_log) + std::log1p(ratio);
    }
    update(mixture.low, low, centre, samples, options.min_variance);
    update(mixture.high, high, centre, samples, options.min_variance);
    log_likelihood /= samples;
    const double gain = log_likelihood - std::exchange(mixture.log_likelihood, log_likelihood);
    if (mixture.iterations++ > 0 && std::abs(gain) < options.tolerance) break;
  }
  if (mixture.low.mean > mixture.high.mean) std::swap(mixture.low, mixture.high);
  return mixture;
}

}  // namespace spc
