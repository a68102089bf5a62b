// How sure an error rate is: the same figures on speakers drawn anew. Trials of one speaker depend
// on each other, so it is speakers that are drawn, not trials.
#pragma once

#include <cstdint>
#include <optional>
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
  Interval min_dcf_01;  // p_target 0.01
  Interval min_dcf_05;  // p_target 0.05
  Interval act_dcf_01;
  Interval act_dcf_05;
  Interval cllr;
  int64_t replicates = 0;  // those in which both kinds of trials were left
};

/// Figures of one draw, as det.h and calibration.h define them.
struct DrawnFigures {
  double eer = 0;
  double min_dcf_01 = 0;
  double min_dcf_05 = 0;
  double act_dcf_01 = 0;
  double act_dcf_05 = 0;
  double cllr = 0;
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

  /// Likewise all figures, the scores taken for log-likelihood ratios where they have to be.
  /// @returns nothing if one kind of trials is not left
  [[nodiscard]] std::optional<DrawnFigures> figures(std::span<const int32_t> drawn) const;

 private:
  struct Trial {
    int32_t enrol;  // speakers
    int32_t test;
    bool target;
    bool tied;    // with the next one
    double cost;  // of its score as a log-likelihood ratio, nats
  };
  [[nodiscard]] static int64_t times(const Trial& trial, std::span<const int32_t> drawn);
  [[nodiscard]] double act_dcf(std::span<const int32_t> drawn, const DetCurve& curve,
                               double p_target) const;
  [[nodiscard]] double cllr(std::span<const int32_t> drawn, const DetCurve& curve) const;

  std::vector<Trial> trials_;   // highest score first
  std::vector<double> scores_;  // likewise
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
