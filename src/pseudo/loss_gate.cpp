#include "pseudo/loss_gate.h"

#include <algorithm>
#include <cmath>

#include "base/error.h"

namespace spc {
namespace {

constexpr double kLeastLoss = 1e-6;       // log(0) is no number
constexpr double kLeastSeparation = 1.5;  // Ashman's D
constexpr double kLeastWeight = 0.02;
constexpr double kMostNonfinite = 1e-3;
// Thresholds that people set by hand on AAM-softmax were losses of 1 to 6.
constexpr double kLeastPlausible = 0;
constexpr double kMostPlausible = 1.8;

double log_ratio(const Mixture& mixture, double value) {
  return log_density(mixture.low, value) - log_density(mixture.high, value);
}

}  // namespace

double gate_value(double loss) {
  return std::log(std::max(loss, kLeastLoss));
}

std::string to_text(GateCase which) {
  switch (which) {
    case GateCase::kCrossing:
      return "crossing";
    case GateCase::kKeepAll:
      return "keep_all";
    case GateCase::kKeptPrevious:
      return "kept_previous";
    case GateCase::kNoGate:
      break;
  }
  return "no_gate";
}

// The ratio of the densities falls all the way from one mean to the other.
std::optional<double> crossing(const Mixture& mixture) {
  double below = mixture.low.mean;
  double above = mixture.high.mean;
  if (!(log_ratio(mixture, below) > 0 && log_ratio(mixture, above) < 0)) return std::nullopt;
  for (;;) {
    const double middle = below + (above - below) / 2;
    if (middle <= below || middle >= above) return middle;
    (log_ratio(mixture, middle) > 0 ? below : above) = middle;
  }
}

double ashman_d(const Mixture& mixture) {
  return std::sqrt(2 / (mixture.low.variance + mixture.high.variance)) *
         (mixture.high.mean - mixture.low.mean);
}

Gate decide_gate(const Mixture& mixture, std::optional<double> previous) {
  Gate gate;
  gate.mixture = mixture;
  const double weight = std::min(mixture.low.weight, mixture.high.weight);
  const auto keep_previous = [&](const std::string& reason) {
    gate.which = previous ? GateCase::kKeptPrevious : GateCase::kNoGate;
    gate.reason = reason;
    gate.threshold = previous;
    return gate;
  };
  if (!(log_ratio(mixture, mixture.low.mean) > 0))
    return keep_previous("the reliable component lies under the other one");
  if (!(log_ratio(mixture, mixture.high.mean) < 0)) {
    gate.which = GateCase::kKeepAll;
    gate.reason = "the unreliable component lies under the other one";
    return gate;
  }
  if (ashman_d(mixture) < kLeastSeparation)
    return keep_previous(concat("the losses have one peak (Ashman's D ", ashman_d(mixture), " of ",
                                kLeastSeparation, ")"));
  if (weight < kLeastWeight)
    return keep_previous(concat("one component has a share of ", weight, " of the losses"));
  gate.which = GateCase::kCrossing;
  gate.threshold = crossing(mixture);
  if (*gate.threshold < kLeastPlausible || *gate.threshold > kMostPlausible)
    gate.warning = concat("the gate is at a loss of ", std::exp(*gate.threshold),
                          ", by experience it is between ", std::exp(kLeastPlausible), " and ",
                          std::exp(kMostPlausible));
  return gate;
}

Gate fit_gate(const std::vector<double>& losses, std::optional<double> previous,
              const EmOptions& options) {
  std::vector<double> values;
  values.reserve(losses.size());
  for (const double loss : losses)
    if (std::isfinite(loss)) values.push_back(gate_value(loss));
  const auto excluded = static_cast<int64_t>(losses.size() - values.size());
  SPC_CHECK(!values.empty(), "no loss is a finite number; there is nothing to set a gate on");
  SPC_CHECK(static_cast<double>(excluded) <= kMostNonfinite * static_cast<double>(losses.size()),
            excluded, " of ", losses.size(),
            " losses are not finite numbers; the network has diverged, go back to an earlier "
            "checkpoint or lower the learning rate");
  std::vector<double> sorted = values;
  std::sort(sorted.begin(), sorted.end());
  const Mixture start = split_in_two(sorted, options.min_variance);
  Gate gate = decide_gate(fit_mixture(values, start, options), previous);
  gate.excluded = excluded;
  return gate;
}

}  // namespace spc
