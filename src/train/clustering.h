// Embeddings to pseudo labels: k-means over all ranks, each with its share of the rows.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>

#include "dist/communicator.h"
#include "train/cluster_config.h"

namespace spc {

/// What came out, in numbers.
struct ClusterSummary {
  double objective = 0;  // of an utterance
  int64_t passes = 0;
  int64_t clusters = 0;
  int64_t smallest = 0;  // sizes, utterances
  int64_t p10 = 0;
  int64_t median = 0;
  int64_t p90 = 0;
  int64_t largest = 0;
};

/// Clusters the rows of an embeddings file. Writes into the folder `out`:
///   labels         `utt cluster` lines
///   labels.h5      the same: /utt, /label
///   centroids.h5   centroids [k, D]; means [k, E] of the embeddings of each cluster (of length 1
///                  for cosine); sizes [k]; objective of each pass
///   whitening.h5   mean [E] and projection [E, D], with half_whiten
///   summary.json   the last of them: it is there when all is done
/// and, while it is under way, partial.h5, from which the same command goes on. Results are the
/// same, to the bit, for every number of ranks and threads on one kind of processor. Collective.
/// @returns nothing when it was asked to stop
/// @throws UsageError  more clusters than rows   @throws Error  an embedding is not finite or zero
std::optional<ClusterSummary> cluster_embeddings(const std::filesystem::path& embeddings,
                                                 const std::filesystem::path& out,
                                                 const ClusterConfig& config, c10::Device device,
                                                 Communicator& comm);

}  // namespace spc
