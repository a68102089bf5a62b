// What a continued run must see again: the same utterances, in the same order.
#pragma once

#include <cstdint>
#include <string>

#include "loader/sampler.h"
#include "store/shard_set.h"
#include "train/training_labels.h"

namespace spc {

/// Which utterances, and of which features: "48 utterances, crc32c 123", and the same of the noise.
/// @param noise  may be null
std::string fingerprint(const ShardSet& shards, const ShardSet* noise);

/// Which data a run trains on: its utterances, noise and labels. @param noise, labels  may be null
std::string data_identity(const ShardSet& shards, const ShardSet* noise,
                          const TrainingLabels* labels);

/// Hash of the utterance ids of the batch that follows `step` done steps, all ranks together, as 16
/// hexadecimal digits. @param sampler  of the run; the order of an epoch is kept there
std::string next_batch_hash(const ShardSet& shards, Sampler& sampler, int64_t step,
                            int64_t batch_size);

}  // namespace spc
