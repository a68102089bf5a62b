// What a rank's memory holds at the fullest moment of training, before anything is computed;
// phases.h: while it does something else.
#pragma once

#include <cstdint>
#include <vector>

#include "plan/activations.h"
#include "plan/network_size.h"
#include "train/config.h"

namespace spc {

/// A rank of a run, and what it is given.
struct RankShape {
  int ranks = 1;                    // of the run
  int64_t num_utts = 0;             // of the data
  double mean_frames = 0;           // of an utterance
  std::vector<int64_t> utt_frames;  // of each; empty: not known
  int64_t eval_utts = 0;            // of the trials that training is watched by; 0: none
  int64_t num_mel_bins = 80;
  int64_t num_classes = 0;  // of a pseudo_label run
  double program = 0;       // bytes of the process before it has networks
  Arithmetic arithmetic;
};

/// Bytes. On a GPU the first six lie there, the others in the memory of the machine.
struct RankMemory {
  double networks = 0;     // parameters, running statistics, and their copies in bf16
  double gradients = 0;    // and what sums them over ranks
  double optimizer = 0;    // momentum, second moments
  double activations = 0;  // what forward keeps for backward, and backward's own
  double clusters = 0;     // of k-means: distances, sums, on a GPU the rows
  double context = 0;      // of a GPU: CUDA and its libraries
  double embeddings = 0;   // a rank's share, and what comes of it to rank 0
  double loader = 0;       // batches made ahead of time
  double checkpoint = 0;   // rank 0's copy of what is being written
  double allocator = 0;    // pages between tensors that jemalloc keeps
  double index = 0;        // of the utterances: shards, order, labels
  double program = 0;      // with its libraries

  [[nodiscard]] double on_gpu() const {
    return networks + gradients + optimizer + activations + clusters + context;
  }
  [[nodiscard]] double on_machine() const {
    return embeddings + loader + checkpoint + allocator + index + program;
  }
  [[nodiscard]] double total() const { return on_gpu() + on_machine(); }
  /// What no network and no batch makes smaller, where memory is short.
  [[nodiscard]] double fixed() const { return context > 0 ? context : index + program; }
  /// Where memory is short: the GPU's, or without one the machine's.
  [[nodiscard]] double needed() const { return context > 0 ? on_gpu() : total(); }
};

/// What an allocator keeps between and beside all that, on a CPU.
double kept_by_allocator(const RankMemory& memory);

/// @param config  of a stage: DINO or labels
RankMemory predict_memory(const RunConfig& config, const RankShape& shape);

/// Utterances of a micro-batch of the fullest rank.
int64_t micro_batch_rows(const RunConfig& config, int ranks);

/// The smallest train.accumulate with which a rank needs at most `limit` bytes of its GPU, or of
/// its machine where there is none; 0: none does.
int64_t accumulate_that_fits(RunConfig config, const RankShape& shape, double limit);

/// Utterances of a micro-batch of the configuration for one rank alone to try, or fewer where they
/// would need more than `limit` bytes.
int64_t rows_to_try(const RunConfig& config, RankShape shape, double limit);

}  // namespace spc
