// The dynamic loss gate: which pseudo labels are trusted. The logarithms of the losses are taken
// for a mixture of two Gaussians, reliable and unreliable labels; the gate is where their weighted
// densities cross. Han, Chen, Qian, "Self-Supervised Speaker Verification Using Dynamic Loss-Gate
// and Label Correction", Interspeech 2022.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "pseudo/gmm.h"

namespace spc {

/// What the gate is set on: log(max(loss, 1e-6)).
double gate_value(double loss);

enum class GateCase {
  kCrossing,      // the densities cross between the means
  kKeepAll,       // there is no value at which a label is more likely wrong: every label is trusted
  kKeptPrevious,  // the fit says nothing; the threshold of before stays
  kNoGate,        // the same, and there was none before: every label is trusted
};
/// "crossing", "keep_all", "kept_previous", "no_gate"
std::string to_text(GateCase which);

struct Gate {
  Mixture mixture;  // of the gate values
  GateCase which = GateCase::kNoGate;
  std::string reason;               // why it is no crossing; empty: it is one
  std::optional<double> threshold;  // a gate value; above it a label is not trusted. None: all are
  std::string warning;              // an implausible threshold
  int64_t excluded = 0;             // losses that are not finite
};

/// Where the weighted densities cross between the means; there is one such value at most.
std::optional<double> crossing(const Mixture& mixture);

/// Ashman's D: the distance of the means in deviations; about 2 and more is a clean separation.
double ashman_d(const Mixture& mixture);

/// @param previous  the threshold of the epoch before
Gate decide_gate(const Mixture& mixture, std::optional<double> previous);

/// Fits the mixture to the losses and decides. The same losses in the same order give the same
/// bits. @throws Error  more than one in a thousand is not finite, or there is none
Gate fit_gate(const std::vector<double>& losses, std::optional<double> previous,
              const EmOptions& options);

}  // namespace spc
