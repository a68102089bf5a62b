// The parts of a run of rounds. Each is a run of its own in a folder of the run's: stage-1,
// round-1, round-2, ..., finetune.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "store/tensor_file.h"
#include "train/rounds_config.h"
#include "train/training.h"

namespace spc {

struct RoundsArguments {
  TrainArguments base;  // of stage 1, but that `run` is the folder of the whole
  RoundsConfig rounds;
  ResolvedConfig resolved;  // all keys, those of rounds too
  std::string stage_1;      // a checkpoint that takes the place of stage 1; may be empty
  std::string recordings;   // `utt recording` lines to compare clusters with; may be empty
};

struct Stage {
  std::string name;      // of its folder
  int64_t round = 0;     // from 1; 0: it makes no labels of its own
  std::string previous;  // the stage before it; empty for the first one
  std::string backbone;  // the stage whose backbone it starts from; empty: from scratch
  TrainArguments train;  // what comes from the checkpoint of another stage is still missing
};

inline constexpr const char* kStage1 = "stage-1";
inline constexpr const char* kFinetune = "finetune";

/// In their order. @throws UsageError  keys that no stage could be run with
std::vector<Stage> plan_stages(const RoundsArguments& arguments);

/// The run that a look before the start is for: of the newest stage that has begun, else stage 1's;
/// the only one without rounds.
TrainArguments stage_to_look_at(const RoundsArguments& arguments);

/// Where a run's newest network is: the folder of its last stage that has a checkpoint; the run's
/// own for a run without stages.
std::filesystem::path newest_stage(const std::filesystem::path& run);

/// The checkpoint `file`, or when it is empty that of the run's newest network.
/// @throws Error  there is none, or it is damaged
TensorFile open_trained(const std::filesystem::path& run, const std::filesystem::path& file);

/// @throws Error  the folder holds a run with rounds and this is to be one without, or the other
/// way about
void check_kind_of_run(const std::filesystem::path& run, bool rounds);

}  // namespace spc
