// How embeddings are clustered.
#pragma once

#include <cstdint>
#include <string>

#include "base/options.h"

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

  /// As configuration keys: `cluster.num_clusters`.
  void add_to(OptionSet& options);
  /// As flags of a command: `--num-clusters`.
  void add_flags_to(OptionSet& options);
  void validate() const;
  /// All that decides the result, in a line.
  [[nodiscard]] std::string text() const;
};

}  // namespace spc
