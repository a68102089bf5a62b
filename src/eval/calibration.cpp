#include "eval/calibration.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <numbers>

#include "base/error.h"
#include "eval/det.h"

namespace spc {
namespace {

/// How many of each kind: index 1 targets, 0 nontargets.
std::array<double, 2> count_kinds(std::span<const double> scores, std::span<const uint8_t> target) {
  SPC_ASSERT(scores.size() == target.size(), scores.size(), " scores for ", target.size(),
             " labels");
  std::array<double, 2> counts{};
  for (size_t n = 0; n < scores.size(); ++n) {
    SPC_CHECK(!std::isnan(scores[n]), "the score of trial ", n, " (counting from 0) is NaN");
    ++counts.at(target[n] != 0 ? 1 : 0);
  }
  SPC_CHECK(counts[0] > 0 && counts[1] > 0, "a calibration needs target and nontarget trials; ",
            counts[1], " and ", counts[0], " are given");
  return counts;
}

/// ln(1 + exp(x)) without overflow.
double softplus(double x) {
  return x > 0 ? x + std::log1p(std::exp(-x)) : std::log1p(std::exp(x));
}

/// Mean cost in nats of the ratios scale * (score - center) + offset, its gradient and its Hessian
/// in (scale, offset).
struct Objective {
  double cost = 0;
  std::array<double, 2> gradient{};
  std::array<double, 3> hessian{};  // scale scale, scale offset, offset offset
};

Objective objective_at(const Calibration& at, double center, std::span<const double> scores,
                       std::span<const uint8_t> target, const std::array<double, 2>& counts) {
  Objective sum;
  for (size_t n = 0; n < scores.size(); ++n) {
    const bool is_target = target[n] != 0;
    const double weight = 0.5 / counts.at(is_target ? 1 : 0);
    const double sign = is_target ? -1 : 1;
    const double x = scores[n] - center;
    const double wrong = sign * at(x);  // above 0: on the wrong side
    const double p = 1 / (1 + std::exp(-wrong));
    sum.cost += weight * softplus(wrong);
    sum.gradient[0] += weight * sign * p * x;
    sum.gradient[1] += weight * sign * p;
    const double curvature = weight * p * (1 - p);
    sum.hessian[0] += curvature * x * x;
    sum.hessian[1] += curvature * x;
    sum.hessian[2] += curvature;
  }
  return sum;
}

}  // namespace

Calibration fit_calibration(std::span<const double> scores, std::span<const uint8_t> target) {
  const std::array<double, 2> counts = count_kinds(scores, target);
  // A threshold that separates them would let the scale grow without end.
  std::array<double, 2> least{std::numeric_limits<double>::infinity(),
                              std::numeric_limits<double>::infinity()};
  std::array<double, 2> largest{-least[0], -least[1]};
  double sum = 0;
  double squares = 0;
  for (size_t n = 0; n < scores.size(); ++n) {
    SPC_CHECK(std::isfinite(scores[n]), "the score of trial ", n, " (counting from 0) is ",
              scores[n], ", which cannot be calibrated on");
    const size_t kind = target[n] != 0 ? 1 : 0;
    least.at(kind) = std::min(least.at(kind), scores[n]);
    largest.at(kind) = std::max(largest.at(kind), scores[n]);
    sum += scores[n];
    squares += scores[n] * scores[n];
  }
  SPC_CHECK(least[1] < largest[0] && least[0] < largest[1],
            "a threshold tells all target trials from all nontarget ones, so there is no finite "
            "calibration; calibrate on a list with more or harder trials");
  const auto count = static_cast<double>(scores.size());
  const double center = sum / count;
  const double spread = std::sqrt(std::max(squares / count - center * center, 0.0));

  // Newton's method on a convex function; a step that does not help is halved.
  Calibration at{1 / spread, 0};
  Objective now = objective_at(at, center, scores, target, counts);
  constexpr int kMostSteps = 200;
  for (int step = 0; step < kMostSteps; ++step) {
    const auto& [ss, so, oo] = now.hessian;
    const double determinant = ss * oo - so * so;
    const double d_scale = (oo * now.gradient[0] - so * now.gradient[1]) / determinant;
    const double d_offset = (ss * now.gradient[1] - so * now.gradient[0]) / determinant;
    double length = 1;
    Calibration next;
    Objective there;
    do {
      next = {at.scale - length * d_scale, at.offset - length * d_offset};
      there = objective_at(next, center, scores, target, counts);
      length /= 2;
    } while (!(there.cost <= now.cost) && length > 1e-10);
    const double fall = now.cost - there.cost;
    if (!(fall >= 0)) break;
    at = next;
    now = there;
    if (fall < 1e-15) break;
  }
  SPC_CHECK(at.scale > 0,
            "target trials score lower than nontarget ones; are the labels the other way about?");
  return {at.scale, at.offset - at.scale * center};
}

double cost_of_ratio(double ratio, bool target) {
  return softplus(target ? -ratio : ratio);
}

double cllr_of(double target_cost, double nontarget_cost) {
  return (target_cost + nontarget_cost) / (2 * std::numbers::ln2);
}

double threshold_of_ratios(double p_target) {
  SPC_CHECK(p_target > 0 && p_target < 1, "p_target = ", p_target, ", must be between 0 and 1");
  return std::log((1 - p_target) / p_target);
}

double cllr(std::span<const double> ratios, std::span<const uint8_t> target) {
  const std::array<double, 2> counts = count_kinds(ratios, target);
  std::array<double, 2> sums{};
  for (size_t n = 0; n < ratios.size(); ++n)
    sums.at(target[n] != 0 ? 1 : 0) += cost_of_ratio(ratios[n], target[n] != 0);
  return cllr_of(sums[1] / counts[1], sums[0] / counts[0]);
}

double act_dcf(std::span<const double> ratios, std::span<const uint8_t> target, double p_target) {
  const double threshold = threshold_of_ratios(p_target);
  const std::array<double, 2> counts = count_kinds(ratios, target);
  DetCurve::Point point{0, 0};
  for (size_t n = 0; n < ratios.size(); ++n) {
    if (target[n] != 0 && ratios[n] < threshold) ++point.misses;
    if (target[n] == 0 && ratios[n] >= threshold) ++point.false_accepts;
  }
  const DetCurve curve{{point}, static_cast<int64_t>(counts[1]), static_cast<int64_t>(counts[0])};
  return dcf(curve, point, p_target);
}

}  // namespace spc
