// The mean of a run's last checkpoints: one network that is usually better than the last of them.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "dist/communicator.h"
#include "store/shard_set.h"

namespace spc {

struct AverageOptions {
  int64_t batches = 100;        // that the statistics of batch norm are estimated from
  int64_t batch_size = 64;      // crops in each, of all ranks together
  int threads = 0;              // as train.threads
  std::string device = "auto";  // as train.device
};

/// The newest checkpoints of a run, oldest first; damaged ones are reported and passed over.
/// @throws Error  there are fewer
std::vector<std::filesystem::path> last_checkpoints(const std::filesystem::path& run, int64_t last);

/// Averages the network that embeddings come from, its head included, over the checkpoints, and
/// estimates the running statistics of batch norm anew: a mean of weights has other activations
/// than a mean of statistics says. They are means over batches of crops without augmentation, as
/// long as the global ones of training. Writes a checkpoint without what only training needs, with
/// the attributes of the last one. Collective.
/// @param shards  what it was trained on, or alike: no labels are needed
/// @throws Error  a checkpoint is missing or damaged, or they are of different networks or features
/// @throws UsageError  a rank would have no crop of a batch
void average_checkpoints(const std::vector<std::filesystem::path>& checkpoints,
                         const ShardSet& shards, const AverageOptions& options,
                         const std::filesystem::path& out, Communicator& comm);

}  // namespace spc
