// A mixture of two Gaussians on the line, fitted by expectation maximisation in double precision.
// Dempster, Laird, Rubin, "Maximum Likelihood from Incomplete Data via the EM Algorithm", 1977.
#pragma once

#include <vector>

namespace spc {

struct Gaussian {
  double weight = 0.5;
  double mean = 0;
  double variance = 1;
};

struct Mixture {
  Gaussian low;  // of the smaller mean
  Gaussian high;
  double log_likelihood = 0;  // mean over the samples, before the last update
  int iterations = 0;
};

struct EmOptions {
  double tolerance = 1e-10;  // the least gain of the mean log likelihood that goes on
  int max_iterations = 1000;
  double min_variance = 1e-3;  // so that no component shrinks to a spike
};

/// The two groups of least squared distance to their means, as a mixture: where the fit starts.
/// Exact. Values that are all the same make two equal halves.
/// @param sorted  ascending, not empty
Mixture split_in_two(const std::vector<double>& sorted, double min_variance);

/// Goes on from `start`. The same values in the same order give the same bits.
/// @param values  finite, not empty
Mixture fit_mixture(const std::vector<double>& values, Mixture start, const EmOptions& options);

/// log(weight times density) of a component.
double log_density(const Gaussian& component, double value);

}  // namespace spc
