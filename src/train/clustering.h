// Embeddings to pseudo labels: k-means over all ranks, each with its share of the rows.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

#include "base/options.h"
#include "dist/communicator.h"

namespace spc {

struct ClusterConfig {
  int64_t num_clusters = 7500;
  std::string metric = "cosine";     // or "euclidean"
  std::string seeding = "kmeans++";  // or "random": as many rows, drawn by chance
  int64_t max_passes = 50;
  double tolerance = 1e-4;  // relative change of the objective at which it ends
  int64_t seed = 0;
  bool half_whiten = false;  // cluster half-whitened embeddings
  int64_t pca_dim = 128;     // directions that half-whitening keeps
  void validate() const;
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
/// @returns false when it was asked to stop
/// @throws UsageError  more clusters than rows   @throws Error  an embedding is not finite or zero
bool cluster_embeddings(const std::filesystem::path& embeddings, const std::filesystem::path& out,
                        const ClusterConfig& config, c10::Device device, Communicator& comm);

}  // namespace spc
