// Embeddings of a batch of utterances, by a network as it is now.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <optional>
#include <vector>

#include "model/folded_net.h"
#include "model/spcnet.h"
#include "store/shard_set.h"
#include "train/extract_batches.h"

namespace spc {

/// What of an utterance is read: the middle of what is too long, mean-subtracted over time.
struct Excerpt {
  int64_t utt;     // its place in the set
  int64_t taken;   // of its frames
  int64_t frames;  // repeated where they are fewer than the network needs
};

/// Computes where the network is; on a CPU with its batch norms folded, which makes a copy of it.
/// Several threads may use one.
class Embedder {
 public:
  explicit Embedder(const SpcNet& network);

  [[nodiscard]] int64_t dim() const { return network_.config().embedding_dim; }
  /// How batches have to be cut.
  [[nodiscard]] Batching batching() const;
  /// @returns [excerpts, E] float32 on the CPU; each is that of the utterance alone
  [[nodiscard]] at::Tensor embed(const ShardSet& shards, const std::vector<Excerpt>& excerpts,
                                 const BatchShape& shape) const;

 private:
  const SpcNet& network_;
  std::optional<FoldedNet> folded_;  // on a CPU
};

}  // namespace spc
