// What one step of training, extraction and clustering compute and send.
#pragma once

#include <cstdint>

#include "plan/memory.h"
#include "train/rounds_config.h"

namespace spc {

inline constexpr double kFeatureBytes = 2;  // shards hold float16

/// A step, of one rank. Two operations are a multiply-add.
struct StepWork {
  double operations = 0;
  double backward = 0;          // of these: gradients may travel beside them
  double gradient_bytes = 0;    // to be summed over ranks
  double statistics_bytes = 0;  // of batch norm, likewise, amid forward and backward
  int64_t messages = 0;         // so many sums of these
  double feature_bytes = 0;     // read from shards, at most
};

/// @param config  of a stage   @param rows  utterances of the rank's part of the batch
StepWork step_work(const RunConfig& config, const RankShape& shape, int64_t rows);

/// Operations of all ranks together.
double extraction_operations(const SpcNetConfig& config, const RankShape& shape);
/// k-means, of at most `max_passes`: products with the centroids, and with candidates while
/// seeding.
double clustering_operations(const ClusterConfig& config, int64_t num_utts, int64_t embedding_dim);

/// What the busiest link of a rank carries in a ring all-reduce.
double ring_bytes(double bytes, int ranks);

}  // namespace spc
