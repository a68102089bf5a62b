// Embeddings of whole utterances, computed by all ranks, in the order of the shards whatever their
// number.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>

#include "base/options.h"
#include "dist/communicator.h"
#include "model/spcnet.h"
#include "store/embeddings.h"
#include "store/shard_set.h"

namespace spc {

struct ExtractConfig {
  int64_t batch_frames = 6000;  // frames in a batch, padding included
  int64_t max_frames = 6000;    // of a longer utterance its middle is taken
  void add_to(OptionSet& options);
  void validate() const;
};

/// The embeddings of all utterances of the set, on rank 0; other ranks get an empty set. Nothing
/// when a rank was asked to stop. Collective.
/// It is computed where the network is. Utterances of similar length share a batch that is padded
/// to one of a few lengths (a CPU compiles its convolutions anew for every shape); the padding is
/// masked out of every layer, so an embedding is that of the utterance alone.
/// @throws Error  an embedding is not finite: names the utterance
/// @param on_batch  called after each; may be empty
std::optional<Embeddings> extract_embeddings(const SpcNet& network, const ShardSet& shards,
                                             const ExtractConfig& config, Communicator& comm,
                                             const std::function<void()>& on_batch = {});

}  // namespace spc
