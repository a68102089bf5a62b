// How sure an error rate is: the same figures on speakers drawn anew. Trials of one speaker depend
// on each other, so it is speakers that are drawn, not trials.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "eval/det.h"
#include "eval/trials.h"

namespace spc {

struct BootstrapOptions {
  int replicates = 1000;
  double level = 0.95;  // of the intervals
  uint64_t seed = 1;
  int threads = 1;
};

struct Interval {
  double low = 0;
  double high = 0;
};

struct BootstrapResult {
  Interval eer;
  Interval min_dcf_01;     // p_target 0.01
  Interval min_dcf_05;     // p_target 0.05
  int64_t replicates = 0;  // those in which both kinds of trials were left
};

/// Trials in the order of their scores, of which any speakers can be drawn without another sort.
class SpeakerTrials {
 public:
  /// @param scores   [N]   @param speaker_of_row  speaker of each row of the embeddings, 0 ... S-1
  /// @throws Error   as det_curve(); a target trial of two speakers, a nontarget trial of one
  SpeakerTrials(std::span<const double> scores, const Trials& trials,
                std::span<const int32_t> speaker_of_row);

  /// Those that have a trial, numbered as the trials meet them, highest score first, enrolment
  /// before test.
  [[nodiscard]] int64_t num_speakers() const { return num_speakers_; }

  /// The curve when each speaker was drawn so many times. Every one drawn is a speaker of its own,
  /// so a target trial counts as often as its speaker, a nontarget one as often as both together.
  /// @param drawn  [S]   @returns a curve without points if one kind of trials is not left
  [[nodiscard]] DetCurve curve(std::span<const int32_t> drawn) const;

 private:
  struct Trial {
    int32_t enrol;  // speakers
    int32_t test;
    bool target;
    bool tied;  // with the next one
  };
  std::vector<Trial> trials_;  // highest score first
  int64_t num_speakers_ = 0;
};

/// As many speakers as there are, drawn with replacement, `replicates` times; the intervals hold
/// the middle `level` of the figures. The same for any number of threads.
/// @throws Error  fewer than two speakers
BootstrapResult bootstrap(const SpeakerTrials& trials, const BootstrapOptions& options);

/// @param values  not empty; they are sorted   @param p  in [0, 1]   Between two values it is
/// linear (Hyndman and Fan's type 7, which is NumPy's).
double quantile(std::vector<double>& values, double p);

}  // namespace spc
