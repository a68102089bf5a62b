// Scores as log-likelihood ratios: what decisions at a fixed threshold cost, and how scores are
// made such ratios. Natural logarithms.
#pragma once

#include <cstdint>
#include <span>

namespace spc {

/// A score as a log-likelihood ratio: scale * score + offset.
struct Calibration {
  double scale = 1;
  double offset = 0;
  [[nodiscard]] double operator()(double score) const { return scale * score + offset; }
};

/// Logistic regression in which targets and nontargets weigh the same: the one with the least
/// cllr().
/// @param scores  [N]   @param target  [N] 1 target, 0 nontarget
/// @throws Error  a score is not finite, one kind is missing, targets score lower, or a threshold
/// separates the kinds but for trials right on it, so that no scale is large enough
Calibration fit_calibration(std::span<const double> scores, std::span<const uint8_t> target);

/// Cost of one log-likelihood ratio in nats. @param target  of a target trial
double cost_of_ratio(double ratio, bool target);

/// cllr() of the mean costs of both kinds, in nats.
double cllr_of(double target_cost, double nontarget_cost);

/// The threshold ln((1 - p) / p) that log-likelihood ratios stand for when both costs are 1.
/// @throws Error  p_target is not in (0, 1)
double threshold_of_ratios(double p_target);

/// Cost of log-likelihood ratios over all thresholds, in bits: 0 perfect, 1 as good as no score.
/// Source: Brümmer and du Preez, "Application-independent evaluation of speaker detection", 2006.
/// @throws Error  as fit_calibration, but for the threshold; an infinite ratio on the right side is
/// fine
double cllr(std::span<const double> ratios, std::span<const uint8_t> target);

/// The cost that min_dcf() takes the least of, at the threshold of log-likelihood ratios.
/// @throws Error  as cllr(); p_target is not in (0, 1)
double act_dcf(std::span<const double> ratios, std::span<const uint8_t> target, double p_target);

}  // namespace spc
