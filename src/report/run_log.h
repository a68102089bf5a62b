// What a run has written of itself, read back for people: no tensor library, no checkpoint.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "base/json_value.h"

namespace spc {

/// One run folder's logs: a run's own, or that of one of its stages.
struct StageLog {
  std::string name;                          // of the folder
  JsonValue description;                     // run.json
  std::string config;                        // config.ini
  std::map<int64_t, JsonValue> steps;        // lines of train.jsonl with a loss, by their step
  std::map<int64_t, JsonValue> evaluations;  // by their step
  std::map<int64_t, JsonValue> labels;       // what became of labels, by their epoch
  int64_t restarts = 0;
  JsonValue clustering;                // summary.json of a round
  JsonValue agreement;                 // agreement.json of a round
  std::vector<int64_t> cluster_sizes;  // of a round, largest first

  /// Utterances seen at the last line; 0 without any.
  [[nodiscard]] double samples() const;

  /// From one line to the next.
  struct Stretch {
    const JsonValue& line;
    double samples;
    double seconds;  // of training, without evaluation
  };
  /// Those that took time.
  [[nodiscard]] std::vector<Stretch> stretches() const;
  /// Of training, without evaluation and without what was lost in restarts.
  [[nodiscard]] double seconds() const;
};

struct RunLog {
  std::string name;
  std::vector<StageLog> stages;  // one for a run without rounds
};

/// Steps that a crash undid, and that were made again, count once: as they were made last. A line
/// that was cut is passed over, and so are files that a stage does not have yet.
/// @throws Error  there is no run in the folder, or a JSON file of it is damaged: names it
RunLog read_run_log(const std::filesystem::path& run);

}  // namespace spc
