// Embeddings of whole utterances, computed by all ranks, in the order of the shards whatever their
// number.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <vector>

#include "dist/communicator.h"
#include "model/spcnet.h"
#include "store/embeddings.h"
#include "store/shard_set.h"
#include "train/embedder.h"
#include "train/extract_batches.h"

namespace spc {

/// What a rank has computed of the embeddings of a set.
struct EmbeddingShare {
  at::Tensor rows;            // [n, E] float32 on the CPU
  std::vector<int64_t> utts;  // whose they are, ascending places in the set
};

/// Computes this rank's share; nothing when a rank was asked to stop. Collective.
/// Utterances share batches of few shapes.
/// @param on_batch  called after each; may be empty
std::optional<EmbeddingShare> extract_share(const Embedder& embedder, const ShardSet& shards,
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
