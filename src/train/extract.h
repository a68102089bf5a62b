// Embeddings of whole utterances, computed by all ranks, in the order of the shards whatever their
// number.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <vector>

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

/// What a rank has computed of the embeddings of a set.
struct EmbeddingShare {
  at::Tensor rows;            // [n, E] float32 on the CPU
  std::vector<int64_t> utts;  // whose they are, ascending places in the set
};

struct BatchShape {
  int64_t rows = 0;
  int64_t frames = 0;  // padding included
};
/// The largest batch of a rank that gets so much of utterances as long as these: what decides how
/// much memory extraction takes. @param utts  frames of each   @param share  in (0, 1]
BatchShape largest_batch(std::span<const int64_t> utts, double share, const ExtractConfig& config);

/// Computes this rank's share; nothing when a rank was asked to stop. Collective.
/// It is computed where the network is. Utterances of similar length share a batch that is padded
/// to one of a few lengths (a CPU compiles its convolutions anew for every shape); the padding is
/// masked out of every layer, so an embedding is that of the utterance alone.
/// @param on_batch  called after each; may be empty
std::optional<EmbeddingShare> extract_share(const SpcNet& network, const ShardSet& shards,
                                            const ExtractConfig& config, Communicator& comm,
                                            const std::function<void()>& on_batch = {});

/// Hands the rows of all ranks, in the order of the set, to rank 0's `take`, some at a time: no
/// rank has to hold all of them. Collective.
/// @param take  is not called on other ranks
/// @throws Error  an embedding is not finite: names the utterance
void collect_embeddings(const EmbeddingShare& share, const ShardSet& shards, Communicator& comm,
                        const std::function<void(std::span<const float>)>& take,
                        int64_t rows_at_once = 1 << 14);

/// Both: all embeddings of a set on rank 0, an empty set on other ranks.
std::optional<Embeddings> extract_embeddings(const SpcNet& network, const ShardSet& shards,
                                             const ExtractConfig& config, Communicator& comm,
                                             const std::function<void()>& on_batch = {});

}  // namespace spc
