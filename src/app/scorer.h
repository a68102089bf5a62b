// Scores of trial lists over one set of embeddings: what to do to embeddings and scores, and
// doing it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/options.h"
#include "base/process.h"
#include "eval/as_norm.h"
#include "eval/bootstrap.h"
#include "eval/calibration.h"
#include "eval/evaluate.h"
#include "eval/scoring.h"
#include "eval/trials.h"
#include "store/embeddings.h"

namespace spc {

struct ScoreOptions {
  std::string embeddings;
  std::vector<std::string> trials;
  std::string mean;
  std::string whitening;
  std::string cohort;
  std::string cohort_utt2spk;
  int64_t cohort_size = 0;
  int64_t top_n = 300;
  std::string calibrate;
  std::string utt2spk;
  BootstrapOptions bootstrap{0, 0.95, 1, available_cores()};
  std::string scores;
  int64_t seed = 1;
  bool json = false;

  void add_to(OptionSet& options);

 private:
  void check();
};

class Scorer {
 public:
  /// Reads everything. @param options  must outlive this
  /// @throws Error, UsageError  what is wrong with a file, or does not fit the others
  explicit Scorer(const ScoreOptions& options);

  /// Of the lists.
  [[nodiscard]] const std::vector<std::string>& names() const { return names_; }

  /// The figures of a list; writes its scores where that is asked for. @param index  of names()
  [[nodiscard]] ListFigures score(size_t index) const;

 private:
  [[nodiscard]] size_t dim() const { return static_cast<size_t>(embeddings_.dim); }
  [[nodiscard]] BackEnd make_back_end() const;
  void normalise_by(const BackEnd& back_end);
  void warn_of_common_utterances(const std::vector<std::string>& cohort,
                                 const std::vector<int32_t>& classes) const;
  void warn_of_calibration_on_the_trials() const;
  [[nodiscard]] std::vector<double> scores_of(const Trials& trials) const;
  [[nodiscard]] std::vector<int32_t> speakers_of_rows() const;

  const ScoreOptions& options_;
  Embeddings embeddings_;
  std::vector<std::string> names_;
  std::vector<Trials> lists_;  // the one to calibrate on is the last
  UnitRows rows_;
  std::optional<CohortStatistics> statistics_;
  Calibration calibration_;
  std::vector<int32_t> speakers_;
};

}  // namespace spc
