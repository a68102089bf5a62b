#include "train/lloyd.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <cmath>

#include "base/clock.h"
#include "base/error.h"
#include "base/integers.h"
#include "base/log.h"
#include "base/process.h"
#include "base/random.h"
#include "pseudo/seeding.h"
#include "pseudo/tiles.h"

namespace spc {
namespace {

constexpr int64_t kMostExtraPasses = 10;  // while there are empty clusters

// Rows by their place among all, wherever they are.
at::Tensor gather_rows(const RowShare& share, const std::vector<int64_t>& places,
                       Communicator& comm) {
  at::Tensor rows = at::zeros({static_cast<int64_t>(places.size()), share.rows.size(1)});
  for (size_t i = 0; i < places.size(); ++i) {
    const int64_t own = places[i] - share.first;
    if (own >= 0 && own < share.rows.size(0)) rows[static_cast<int64_t>(i)].copy_(share.rows[own]);
  }
  comm.all_reduce_now(rows, ReduceOp::kSum, "rows of all ranks");
  return rows;
}

// Places of rows that are drawn by their weights.
std::vector<int64_t> draw_by_weight(const RowShare& share, const PlusPlus& seeding, Random& random,
                                    int64_t count, Communicator& comm) {
  const at::Tensor weights =
      comm.all_gather_rows(at::full({1}, seeding.weight(), at::kLong), "weights of the rows");
  const auto* of_rank = weights.const_data_ptr<int64_t>();
  const int64_t total = weights.sum().item<int64_t>();
  at::Tensor places = at::zeros({count}, at::kLong);
  for (int64_t i = 0; i < count; ++i) {
    int64_t* place = places.mutable_data_ptr<int64_t>() + i;
    if (total == 0) {  // every row is one of the chosen ones already
      const auto rows = static_cast<uint64_t>(share.bounds.total_rows);
      const auto drawn = static_cast<int64_t>(random.below(rows));
      *place = comm.rank() == 0 ? drawn : 0;
      continue;
    }
    auto drawn = static_cast<int64_t>(random.below(static_cast<uint64_t>(total)));
    int rank = 0;
    while (drawn >= of_rank[rank]) drawn -= of_rank[rank++];
    if (rank == comm.rank()) *place = share.first + seeding.row_at(drawn);
  }
  comm.all_reduce_now(places, ReduceOp::kSum, "rows that were drawn");
  const auto* drawn = places.const_data_ptr<int64_t>();
  return {drawn, drawn + count};
}

// Adds up, and tells everyone when anyone was asked to stop.
bool reduce_or_stop(at::Tensor& totals, const std::string& what, Communicator& comm) {
  at::Tensor all = at::cat({totals, at::full({1}, stop_requested() ? 1 : 0, at::kLong)});
  comm.all_reduce_now(all, ReduceOp::kSum, what);
  totals = all.slice(0, 0, totals.size(0));
  return all[totals.size(0)].item<int64_t>() > 0;
}

// Classes without a member are left out, so that every class of a head has one.
void drop_empty(LloydResult& result) {
  const at::Tensor kept = result.sizes.gt(0);
  const at::Tensor place = kept.cumsum(0).sub_(1);
  const at::Tensor rows = kept.nonzero().squeeze(1);
  log_warning(concat(result.sizes.size(0) - rows.size(0), " of ", result.sizes.size(0),
                     " clusters have no utterance and are left out: there are too few different "
                     "embeddings"));
  result.state.centroids = result.state.centroids.index_select(0, rows);
  result.sizes = result.sizes.index_select(0, rows);
  result.labels = place.index_select(0, result.labels);
}

}  // namespace

RowRange share_of_rows(int64_t total_rows, int rank, int world_size) {
  const int64_t tiles = ceil_divided(total_rows, kTileRows);
  const RowRange range = rows_of_rank(tiles, rank, world_size);
  return {std::min(range.begin * kTileRows, total_rows),
          std::min(range.end * kTileRows, total_rows)};
}

std::optional<at::Tensor> seed_centroids(const RowShare& share, const ClusterConfig& config,
                                         Communicator& comm) {
  const int64_t k = config.num_clusters;
  const auto seed = static_cast<uint64_t>(config.seed);
  if (config.seeding == "random")
    return gather_rows(share, draw_rows(seed, share.bounds.total_rows, k), comm);
  Random random(seed, {});
  PlusPlus seeding(share.rows, share.bounds, to_metric(config.metric));
  at::Tensor centroids = at::empty({k, share.rows.size(1)});
  std::vector<int64_t> places{
      static_cast<int64_t>(random.below(static_cast<uint64_t>(share.bounds.total_rows)))};
  Stopwatch since_report;
  for (int64_t i = 0; i < k; ++i) {
    const at::Tensor candidates = gather_rows(share, places, comm);
    at::Tensor left = seeding.weights_left(candidates);
    if (reduce_or_stop(left, "weights left", comm)) return std::nullopt;
    const auto* weights = left.const_data_ptr<int64_t>();
    const int64_t best = std::min_element(weights, weights + left.size(0)) - weights;
    seeding.choose(best);
    centroids[i].copy_(candidates[best]);
    if (i + 1 < k) places = draw_by_weight(share, seeding, random, num_candidates(k), comm);
    if (comm.rank() == 0 && since_report.seconds() > 5) {
      since_report.restart();
      log_info(concat("seeding: ", i + 1, "/", k, " centroids"));
    }
  }
  return centroids;
}

LloydResult run_lloyd(const RowShare& share, LloydState state, const ClusterConfig& config,
                      Communicator& comm,
                      const std::function<void(const LloydState&)>& after_pass) {
  KMeans kmeans(share.rows, share.bounds, to_metric(config.metric));
  LloydResult result;
  result.state = std::move(state);
  std::vector<double>& objectives = result.state.objectives;
  int64_t empty_before = -1;
  for (;;) {
    const Stopwatch seconds;
    at::Tensor totals = kmeans.assign(result.state.centroids);
    result.stopped = reduce_or_stop(totals, "sums of the clusters", comm);
    if (result.stopped) return result;
    KMeansUpdate update = kmeans.update(totals, result.state.centroids);
    const auto passes = static_cast<int64_t>(objectives.size()) + 1;
    if (comm.rank() == 0)
      log_info(concat("pass ", passes, ": objective ",
                      update.objective / static_cast<double>(share.bounds.total_rows),
                      " an utterance, ", update.empty, " empty clusters, ", seconds.seconds(),
                      " s"));
    if (!objectives.empty()) {
      const double change = std::abs(update.objective - objectives.back());
      // Clusters that stay empty while nothing else moves: there are no more different rows.
      result.converged = update.empty == 0
                             ? change <= config.tolerance * std::abs(objectives.back())
                             : update.empty == empty_before && change == 0;
    }
    empty_before = update.empty;
    objectives.push_back(update.objective);
    const bool enough = passes >= config.max_passes + (update.empty > 0 ? kMostExtraPasses : 0);
    if (result.converged || enough) {
      result.labels = kmeans.labels().cpu();
      result.sizes = update.sizes;
      if (update.empty > 0) drop_empty(result);
      return result;
    }
    result.state.centroids = update.centroids;
    after_pass(result.state);
  }
}

}  // namespace spc
