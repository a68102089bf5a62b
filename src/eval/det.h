// Detection error trade-off: equal error rate and minimum detection cost, from scores and labels.
// Trials with one score are accepted or rejected together, so the order of trials has no influence.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace spc {

/// Misses and false accepts at every threshold that tells trials apart, as exact counts.
struct DetCurve {
  struct Point {
    int64_t misses;         // targets below the threshold
    int64_t false_accepts;  // nontargets at or above it
  };
  /// The threshold falls: the first point accepts nothing, the last accepts everything, and between
  /// neighbours lie all trials of one score.
  std::vector<Point> points;
  int64_t targets = 0;
  int64_t nontargets = 0;

  /// Miss rate (false negatives) and false accept rate (false positives), in [0, 1].
  [[nodiscard]] double fnr(const Point& point) const {
    return static_cast<double>(point.misses) / static_cast<double>(targets);
  }
  [[nodiscard]] double fpr(const Point& point) const {
    return static_cast<double>(point.false_accepts) / static_cast<double>(nontargets);
  }
};

/// Sorts once; all figures below are one pass over the result.
/// @param scores  [N] higher means more alike; infinite ones are fine
/// @param target  [N] 1 target, 0 nontarget
/// @throws Error  a score is NaN, or there is no target or no nontarget trial
DetCurve det_curve(std::span<const double> scores, std::span<const uint8_t> target);

/// Equal error rate in [0, 1]: where the polyline through the points crosses FNR = FPR. It is the
/// definition of WeSpeaker and 3D-Speaker, except that those step through tied scores one by one.
double eer(const DetCurve& curve);

/// Equal error rate without interpolation: max(FPR, FNR) at the point with the smallest
/// |FNR - FPR|, of two such points the lower value. This is voxceleb_trainer's definition; it never
/// lies below eer().
double eer_arg_min(const DetCurve& curve);

/// The detection cost at a point of the curve, both costs 1, divided by that of the better system
/// that does not listen. @throws Error  p_target is not in (0, 1)
double dcf(const DetCurve& curve, const DetCurve::Point& point, double p_target);

/// min over thresholds of c_miss p FNR + c_fa (1 - p) FPR, divided by the cost of the better system
/// that does not listen, min(c_miss p, c_fa (1 - p)). In [0, 1]. Source: NIST SRE 2016 evaluation
/// plan.
/// @param p_target  prior of a target trial, in (0, 1); 0.01 and 0.05 are usual
/// @throws Error    p_target or a cost is out of range
double min_dcf(const DetCurve& curve, double p_target, double c_miss = 1.0, double c_fa = 1.0);

}  // namespace spc
