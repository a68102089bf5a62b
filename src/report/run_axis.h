// All stages of a run on one axis: the utterances that it has seen.
#pragma once

#include <string>
#include <vector>

#include "plot/chart.h"
#include "report/run_log.h"

namespace spc {

inline constexpr const char* kSamples = "utterances seen";

class RunAxis {
 public:
  /// @param log  must outlive this
  explicit RunAxis(const RunLog& log);

  [[nodiscard]] const RunLog& log() const { return log_; }
  /// Utterances seen before each stage.
  [[nodiscard]] const std::vector<double>& begins() const { return begins_; }
  /// Where stages begin; none for a run without rounds.
  [[nodiscard]] const std::vector<Mark>& marks() const { return marks_; }
  /// A key of train.jsonl as one line through all stages, thinned stage by stage, with a gap
  /// between them.
  /// @param scale  what values are multiplied by
  [[nodiscard]] Points through(const char* key, double scale = 1) const;
  /// The same as means over stretches of some steps, which are equal for all keys, so that they can
  /// be added up.
  [[nodiscard]] Points means(const char* key, double scale = 1) const;
  /// The names of all trial lists that it was evaluated on.
  [[nodiscard]] std::vector<std::string> lists() const;

 private:
  const RunLog& log_;
  std::vector<double> begins_;
  std::vector<Mark> marks_;
};

/// With so many decimals; nothing for what is not finite.
std::string digits(double value, int places);

}  // namespace spc
