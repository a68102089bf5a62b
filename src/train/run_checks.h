// What must hold before a run starts.
#pragma once

#include "store/shard_set.h"
#include "train/config.h"

namespace spc {

/// Deterministic mode cuts every batch into so many parts. Each is computed by one thread with
/// networks of its own, so that every kernel sees the same shapes on any number of processes.
inline constexpr int kLeaves = 4;

/// @throws UsageError  the configuration does not allow this number of ranks
void check_ranks(const RunConfig& config, int ranks);

/// @param noise  may be null   @throws UsageError  the configuration does not fit the data
void check_data(const RunConfig& config, const ShardSet& shards, const ShardSet* noise);

}  // namespace spc
