#include "eval/det.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <iterator>
#include <utility>

#include "base/error.h"

namespace spc {
namespace {

/// (FNR - FPR) * targets * nontargets: exact, and strictly falling along the curve.
int64_t imbalance(const DetCurve& curve, const DetCurve::Point& point) {
  return point.misses * curve.nontargets - point.false_accepts * curve.targets;
}

}  // namespace

DetCurve det_curve(std::span<const double> scores, std::span<const uint8_t> target) {
  SPC_ASSERT(scores.size() == target.size(), scores.size(), " scores for ", target.size(),
             " labels");
  struct Trial {
    double score;
    bool target;
  };
  std::vector<Trial> trials(scores.size());
  DetCurve curve;
  for (size_t n = 0; n < scores.size(); ++n) {
    SPC_CHECK(!std::isnan(scores[n]), "the score of trial ", n, " (counting from 0) is NaN");
    trials[n] = {scores[n], target[n] != 0};
    ++(trials[n].target ? curve.targets : curve.nontargets);
  }
  SPC_CHECK(curve.targets > 0 && curve.nontargets > 0,
            "EER and minDCF need both kinds of trials: ", curve.targets, " target and ",
            curve.nontargets, " nontarget trials given");
  std::sort(trials.begin(), trials.end(),
            [](const Trial& a, const Trial& b) { return a.score > b.score; });

  DetCurve::Point point{curve.targets, 0};
  curve.points.push_back(point);
  for (size_t n = 0; n < trials.size(); ++n) {
    if (trials[n].target) {
      --point.misses;
    } else {
      ++point.false_accepts;
    }
    const bool tied = n + 1 < trials.size() && trials[n + 1].score == trials[n].score;
    if (!tied) curve.points.push_back(point);
  }
  return curve;
}

double eer(const DetCurve& curve) {
  // The first point has FNR - FPR = 1 and the last -1, so there is a crossing and a point before
  // it.
  const auto after =
      std::partition_point(curve.points.begin(), curve.points.end(),
                           [&](const auto& point) { return imbalance(curve, point) > 0; });
  const auto before = std::prev(after);
  const auto fall_to = static_cast<double>(imbalance(curve, *before));
  const auto fall_past = -static_cast<double>(imbalance(curve, *after));
  return std::lerp(curve.fpr(*before), curve.fpr(*after), fall_to / (fall_to + fall_past));
}

double eer_arg_min(const DetCurve& curve) {
  const auto distance_then_value = [&](const DetCurve::Point& point) {
    return std::pair(std::abs(imbalance(curve, point)),
                     std::max(curve.fpr(point), curve.fnr(point)));
  };
  auto best = distance_then_value(curve.points.front());
  for (const auto& point : curve.points) best = std::min(best, distance_then_value(point));
  return best.second;
}

double dcf(const DetCurve& curve, const DetCurve::Point& point, double p_target) {
  SPC_CHECK(p_target > 0 && p_target < 1, "p_target = ", p_target, ", must be between 0 and 1");
  return (p_target * curve.fnr(point) + (1 - p_target) * curve.fpr(point)) /
         std::min(p_target, 1 - p_target);
}

double min_dcf(const DetCurve& curve, double p_target, double c_miss, double c_fa) {
  SPC_CHECK(p_target > 0 && p_target < 1, "p_target = ", p_target, ", must be between 0 and 1");
  SPC_CHECK(c_miss > 0 && c_fa > 0 && std::isfinite(c_miss) && std::isfinite(c_fa),
            "c_miss = ", c_miss, " and c_fa = ", c_fa, " must be positive");
  const double miss_cost = c_miss * p_target;
  const double false_accept_cost = c_fa * (1.0 - p_target);
  double lowest = miss_cost;
  for (const auto& point : curve.points) {
    lowest = std::min(lowest, miss_cost * curve.fnr(point) + false_accept_cost * curve.fpr(point));
  }
  return lowest / std::min(miss_cost, false_accept_cost);
}

}  // namespace spc
