// What must hold before a run starts.
#pragma once

#include <filesystem>
#include <string>

#include "store/shard_set.h"
#include "train/checkpoint.h"
#include "train/config.h"
#include "train/run_folder.h"

namespace spc {

/// Deterministic mode cuts every batch into so many parts. Each is computed by one thread with
/// networks of its own, so that every kernel sees the same shapes on any number of processes.
inline constexpr int kLeaves = 4;

/// @throws UsageError  deterministic mode does not run on this number of ranks
void check_leaves(const RunConfig& config, int ranks);

/// @throws UsageError  the configuration does not allow this number of ranks
void check_ranks(const RunConfig& config, int ranks);

/// @param noise  may be null   @throws UsageError  the configuration does not fit the data
void check_data(const RunConfig& config, const ShardSet& shards, const ShardSet* noise);

/// @param data  identity of the data   @param next_batch  hash of what this program would take next
/// @throws Error  a run of this configuration and data would not go on as the one that wrote the
/// checkpoint
void check_continues(const std::filesystem::path& checkpoint, const CheckpointInfo& info,
                     const ResolvedConfig& resolved, const std::string& data,
                     const std::string& next_batch);

}  // namespace spc
