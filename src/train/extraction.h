// A checkpoint's network over shards, to a file of embeddings.
#pragma once

#include <filesystem>
#include <string>

#include "dist/communicator.h"
#include "store/shard_set.h"
#include "store/tensor_file.h"
#include "train/config.h"
#include "train/extract.h"

namespace spc {

/// What a checkpoint was trained with, as it says itself.
FullConfig trained_config(const TensorFile& checkpoint);

/// @throws Error  the checkpoint is of other features than the shards hold
void check_features(const TensorFile& checkpoint, const ShardSet& shards);

struct Extraction {
  RunConfig config;                // the network's, and how to compute: device, threads, ranks
  const TensorFile* checkpoint{};  // null: the untrained network
  ExtractConfig extract;
  std::filesystem::path out;
  std::string source;  // what made them; kept in the file
};

/// Writes the embeddings of all utterances of `shards`. With dist.deterministic they are the same,
/// to the bit, on 1, 2 and 4 ranks. Collective.
/// @returns false when it was asked to stop: nothing is written
/// @throws Error  the checkpoint is of other features than the shards hold
bool extract_to_file(const Extraction& extraction, const ShardSet& shards, Communicator& comm);

}  // namespace spc
