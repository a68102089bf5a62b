// What a rank's memory holds while a stage does not train: between steps, and in front of a round.
#pragma once

#include <string>

#include "plan/memory.h"
#include "train/cluster_config.h"
#include "train/extract.h"

namespace spc {

/// A part of a stage. Memory that one frees the next takes, so a stage needs what the largest does.
struct PhaseMemory {
  std::string name;
  RankMemory memory;  // of the fullest rank, which is rank 0
};

/// Scoring shape.eval_utts utterances of trials: beside what training keeps between two steps.
RankMemory evaluation_memory(const RunConfig& config, const RankShape& shape);

/// Embeddings of all utterances. @param config  of the network
RankMemory extraction_memory(const RunConfig& config, const ExtractConfig& extract,
                             const RankShape& shape);

/// k-means over these embeddings.
RankMemory clustering_memory(const RunConfig& config, const ClusterConfig& cluster,
                             const RankShape& shape);

/// `extract` with the most batch_frames, and max_frames no larger than these, for which extraction
/// needs at most `limit` bytes; batch_frames 0: even few are too many.
ExtractConfig extraction_that_fits(const RunConfig& config, ExtractConfig extract,
                                   const RankShape& shape, double limit);

}  // namespace spc
