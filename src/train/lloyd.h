// k-means over the rows of all ranks: seeding, passes, the end.
#pragma once

#include <ATen/core/Tensor.h>

#include <functional>
#include <optional>
#include <vector>

#include "dist/communicator.h"
#include "pseudo/kmeans.h"
#include "train/clustering.h"

namespace spc {

/// This rank's share of the rows.
struct RowShare {
  at::Tensor rows;    // [N, D] float32
  int64_t first = 0;  // among all rows; a multiple of kTileRows
  KMeansBounds bounds;
};

/// Where a share begins and ends: whole tiles, as evenly as that goes.
RowRange share_of_rows(int64_t total_rows, int rank, int world_size);

/// Between two passes.
struct LloydState {
  at::Tensor centroids;            // [k, D] float32 on the CPU
  std::vector<double> objectives;  // of the passes so far
};

struct LloydResult {
  LloydState state;
  at::Tensor labels;     // int64 [N], of this rank's rows
  at::Tensor sizes;      // int64 [k]; none is 0
  bool stopped = false;  // asked to; only `state` is there, and goes on where it ended
  bool converged = false;
};

/// The first centroids; nothing when it was asked to stop. Collective.
std::optional<at::Tensor> seed_centroids(const RowShare& share, const ClusterConfig& config,
                                         Communicator& comm);

/// Goes on from `state`. @param after_pass  is told of every pass that is not the last. Collective.
LloydResult run_lloyd(const RowShare& share, LloydState state, const ClusterConfig& config,
                      Communicator& comm, const std::function<void(const LloydState&)>& after_pass);

}  // namespace spc
