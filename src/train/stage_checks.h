// What must hold for a run of rounds, and what its finished stages were made of.
#pragma once

#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "store/shard_set.h"
#include "train/stages.h"

namespace spc {

/// Key and value, one a line of STAGE/inputs.txt: what a stage is made of, besides its
/// configuration and data.
using StageInputs = std::vector<std::pair<std::string, std::string>>;

/// What is known of them before any stage is done.
StageInputs planned_inputs(const Stage& stage, const RoundsConfig& rounds, const ShardSet& shards);

/// The checkpoint's place in the run, or elsewhere, and a checksum of its tensors.
std::string checkpoint_identity(const std::filesystem::path& checkpoint,
                                const std::filesystem::path& run);

/// @throws Error  the stage has products, and they were made of other inputs than these: names them
void check_inputs(const Stage& stage, const StageInputs& inputs);
/// Writes them, unless they are there.
void keep_inputs(const Stage& stage, const StageInputs& inputs);

/// All that can be known before the first step of the first stage: numbers of ranks and clusters,
/// files, keys, and whether the stages that are there are of this plan.
/// @param noise  may be null   @throws UsageError, Error  naming the stage, and what to do
void check_rounds(const RoundsArguments& arguments, const std::vector<Stage>& stages,
                  const ShardSet& shards, const ShardSet* noise, int ranks);

}  // namespace spc
