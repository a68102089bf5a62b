// What a continued run must see again: the same utterances, in the same order.
#pragma once

#include <cstdint>
#include <string>

#include "store/shard_set.h"
#include "train/training.h"

namespace spc {

/// Which utterances, and of which features: "48 utterances, crc32c 123", and the same of the noise.
/// @param noise  may be null
std::string fingerprint(const ShardSet& shards, const ShardSet* noise);

/// Which data a run trains on: its utterances, noise and labels.
/// @param noise  may be null   @throws Error  as read_training_labels
std::string data_identity(const TrainArguments& arguments, const ShardSet& shards,
                          const ShardSet* noise);

/// Hash of the utterance ids of the batch that follows `step` done steps, all ranks together, as 16
/// hexadecimal digits.
std::string next_batch_hash(const ShardSet& shards, uint64_t seed, int64_t step,
                            int64_t batch_size);

}  // namespace spc
