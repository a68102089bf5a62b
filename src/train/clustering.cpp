#include "train/clustering.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <cmath>
#include <optional>
#include <unordered_set>

#include "base/error.h"
#include "base/hash.h"
#include "base/json.h"
#include "base/log.h"
#include "base/process.h"
#include "pseudo/labels.h"
#include "pseudo/whitening.h"
#include "store/embeddings.h"
#include "store/tensor_file.h"
#include "train/lloyd.h"
#include "train/partial_clusters.h"
#include "train/tensor_io.h"
#include "train/together.h"

namespace spc {
namespace {

// What a file of labels can hold.
void check_utts(const std::vector<std::string>& utts, const std::filesystem::path& embeddings) {
  std::unordered_set<std::string_view> seen;
  for (const std::string& utt : utts) {
    SPC_CHECK(!utt.empty() && utt.find_first_of(" \t\r\n") == std::string::npos,
              embeddings.string(), ": the utterance '", utt,
              "' is empty or has spaces, so that no line of labels can name it");
    SPC_CHECK(seen.insert(utt).second, embeddings.string(), ": the utterance ", utt,
              " is there twice");
  }
}

// The embeddings of this rank, of length 1 unless they are clustered as they are.
RowShare read_share(const EmbeddingsFile& file, const ClusterConfig& config, Communicator& comm) {
  const RowRange range = share_of_rows(file.rows(), comm.rank(), comm.world_size());
  RowShare share{at::empty({range.size(), file.dim()}), range.begin, {file.rows(), 1}};
  file.read(range.begin, range.size(), share.rows.mutable_data_ptr<float>());
  int64_t bad = -1;
  if (config.metric == "cosine" || config.half_whiten) {
    bad = normalize_rows(share.rows);
  } else if (share.rows.numel() > 0) {
    const at::Tensor largest = share.rows.abs().amax(1);
    const at::Tensor broken = largest.isfinite().logical_not().nonzero();
    if (broken.numel() > 0) bad = broken[0][0].item<int64_t>();
    share.bounds.largest = std::max(largest.amax().item<double>(), 1e-30);
  }
  const at::Tensor all_bad =
      comm.all_gather_rows(at::full({1}, bad < 0 ? -1 : range.begin + bad, at::kLong), "bad rows");
  const int64_t first_bad = all_bad.max().item<int64_t>();
  SPC_CHECK(first_bad < 0, "the embedding of ",
            file.utts()[static_cast<size_t>(std::max<int64_t>(first_bad, 0))],
            " is zero or not finite; extract again from a checkpoint that works");
  at::Tensor largest = at::full({1}, share.bounds.largest, at::kDouble);
  comm.all_reduce_now(largest, ReduceOp::kMax, "the largest value");
  share.bounds.largest = largest.item<double>();
  return share;
}

// Far from the origin, differences of squares would be lost in rounding.
// @returns the mean [1, D] float32 that was removed, the same on any number of ranks
at::Tensor remove_mean(RowShare& share, Communicator& comm) {
  const FixedPoint exact(share.bounds.largest, share.bounds.total_rows);
  at::Tensor sums = sums_by_label(share.rows, at::zeros({share.rows.size(0)}, at::kLong), 1, exact);
  comm.all_reduce_now(sums, ReduceOp::kSum, "mean of the embeddings");
  at::Tensor mean =
      exact.decode(sums).div_(static_cast<double>(share.bounds.total_rows)).to(at::kFloat);
  share.rows = share.rows - mean;
  at::Tensor largest = at::full({1}, 1e-30, at::kDouble);
  if (share.rows.numel() > 0) largest.clamp_min_(share.rows.abs().amax().to(at::kDouble));
  comm.all_reduce_now(largest, ReduceOp::kMax, "the largest value");
  share.bounds.largest = largest.item<double>();
  return mean;
}

// The same decomposition for every rank: it is rank 0's.
Whitening estimate_whitening_together(const RowShare& share, const ClusterConfig& config,
                                      Communicator& comm) {
  const int64_t dim = share.rows.size(1);
  at::Tensor totals = whitening_totals(share.rows, share.bounds.total_rows);
  comm.all_reduce_now(totals, ReduceOp::kSum, "products of the embeddings");
  Whitening whitening = estimate_whitening(totals, share.bounds.total_rows, dim, config.pca_dim);
  at::Tensor kept = at::full({1}, whitening.projection.size(1), at::kLong);
  comm.broadcast(kept, 0, "kept directions");
  if (comm.rank() > 0) whitening.projection = at::empty({dim, kept.item<int64_t>()}, at::kDouble);
  comm.broadcast(whitening.projection, 0, "projection");
  return whitening;
}

// What a partial result belongs to: the same rows on any number of ranks, and the same settings.
std::string identity_of(const RowShare& share, const ClusterConfig& config, Communicator& comm) {
  const auto* values = share.rows.const_data_ptr<float>();
  const int64_t dim = share.rows.size(1);
  int64_t own = 0;
  for (int64_t i = 0; i < share.rows.size(0); ++i) {
    const uint64_t hash = hash64(values + i * dim, static_cast<size_t>(dim) * sizeof(float),
                                 static_cast<uint64_t>(share.first + i));
    own += static_cast<int64_t>(hash >> 32);  // a sum of so many fits
  }
  at::Tensor sum = at::full({1}, own, at::kLong);
  comm.all_reduce_now(sum, ReduceOp::kSum, "hash of the embeddings");
  return concat(share.bounds.total_rows, " x ", dim, ", hash ", sum.item<int64_t>(), ", ",
                config.text());
}

ClusterSummary summary_of(const LloydResult& result) {
  const at::Tensor sizes = std::get<0>(result.sizes.sort());
  const int64_t k = sizes.size(0);
  const std::vector<double>& objectives = result.state.objectives;
  return {objectives.back(),
          static_cast<int64_t>(objectives.size()),
          k,
          sizes[0].item<int64_t>(),
          sizes[k / 10].item<int64_t>(),
          sizes[k / 2].item<int64_t>(),
          sizes[k * 9 / 10].item<int64_t>(),
          sizes[k - 1].item<int64_t>()};
}

std::string to_json(const ClusterSummary& summary, const LloydResult& result,
                    const ClusterConfig& config, const RowShare& share, int64_t embedding_dim) {
  JsonArray objectives;
  for (const double objective : result.state.objectives) objectives.raw(json_number(objective));
  JsonObject json;
  json.set("objective", summary.objective)
      .set("metric", config.metric)
      .set("utterances", share.bounds.total_rows)
      .set("dim", share.rows.size(1))
      .set("embedding_dim", embedding_dim)
      .set("num_clusters", summary.clusters)
      .set("passes", summary.passes)
      .set("converged", result.converged)
      .set("smallest", summary.smallest)
      .set("p10", summary.p10)
      .set("median", summary.median)
      .set("p90", summary.p90)
      .set("largest", summary.largest);
  json.set("seed", config.seed)
      .set("seeding", config.seeding)
      .set("half_whiten", config.half_whiten)
      .raw("objective_per_pass", objectives.str());
  return json.str();
}

}  // namespace

std::optional<ClusterSummary> cluster_embeddings(const std::filesystem::path& embeddings,
                                                 const std::filesystem::path& out,
                                                 const ClusterConfig& config, c10::Device device,
                                                 Communicator& comm) {
  const EmbeddingsFile file(embeddings);
  SPC_USAGE_CHECK(config.num_clusters <= file.rows(), config.num_clusters, " clusters of ",
                  file.rows(), " utterances; each cluster needs one");
  on_rank_zero(comm, "making the folder", [&] {
    check_utts(file.utts(), embeddings);
    std::filesystem::create_directories(out);
    for (const char* name : {"summary.json", "whitening.h5"}) std::filesystem::remove(out / name);
  });
  const RowShare source = read_share(file, config, comm);
  RowShare share = source;
  std::optional<Whitening> whitening;
  if (config.half_whiten) {
    whitening = estimate_whitening_together(source, config, comm);
    share.rows = whiten(source.rows, *whitening);
  }
  const bool centred = config.metric == "euclidean" && !config.half_whiten;
  const at::Tensor center = centred ? remove_mean(share, comm) : at::Tensor();
  PartialClusters partial(out / "partial.h5", identity_of(share, config, comm));
  std::optional<LloydState> state = partial.load(config.num_clusters, share.rows.size(1), comm);
  share.rows = share.rows.to(device);
  if (!state) {
    const std::optional<at::Tensor> centroids = seed_centroids(share, config, comm);
    if (!centroids) return std::nullopt;
    state = LloydState{*centroids, {}};
  }
  LloydResult result = run_lloyd(share, *state, config, comm, [&](const LloydState& now) {
    if (comm.rank() == 0) partial.save_sometimes(now);
  });
  if (result.stopped) {
    on_rank_zero(comm, "saving the partial result", [&] { partial.save(result.state); });
    return std::nullopt;
  }

  if (centred) result.state.centroids.add_(center);
  const ClusterSummary summary = summary_of(result);
  const int64_t k = summary.clusters;
  const FixedPoint exact(source.bounds.largest, source.bounds.total_rows);
  at::Tensor sums = sums_by_label(source.rows, result.labels, k, exact);
  comm.all_reduce_now(sums, ReduceOp::kSum, "sums of the embeddings");
  const at::Tensor means =
      exact.decode(sums).div_(result.sizes.unsqueeze(1)).to(at::kFloat).contiguous();
  const at::Tensor labels = comm.all_gather_rows(result.labels, "labels").to(at::kInt);
  at::Tensor memory = at::full({1}, peak_memory_bytes(), at::kLong);
  comm.all_reduce_now(memory, ReduceOp::kMax, "peak memory");
  on_rank_zero(comm, "writing clusters", [&] {
    const auto* values = labels.const_data_ptr<int32_t>();
    const std::vector<int32_t> of_utt(values, values + labels.numel());
    const std::vector<std::string> utts = file.utts();
    write_labels(out / "labels", utts, of_utt);
    write_label_file(out / "labels.h5", utts, of_utt);
    write_tensor_file(out / "centroids.h5", [&](TensorFileWriter& writer) {
      writer.tensor("centroids", view_of(result.state.centroids));
      writer.tensor("means", view_of(means));
      writer.tensor("sizes", view_of(result.sizes));
      writer.tensor("objective", view_of(result.state.objectives));
    });
    if (whitening)
      write_tensor_file(out / "whitening.h5", [&](TensorFileWriter& writer) {
        writer.tensor("mean", view_of(whitening->mean));
        writer.tensor("projection", view_of(whitening->projection));
      });
    write_text_atomically(out / "summary.json",
                          to_json(summary, result, config, share, source.rows.size(1)) + "\n");
    partial.remove();
    log_info(concat(k, " clusters of ", source.bounds.total_rows,
                    " utterances; peak memory of a rank ", memory.item<int64_t>() >> 20,
                    " MiB: ", out.string()));
  });
  return summary;
}

}  // namespace spc
