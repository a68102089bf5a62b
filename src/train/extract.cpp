#include "train/extract.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <cmath>

#include "base/allocator.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/log.h"
#include "base/process.h"

namespace spc {
namespace {

// Equal shares: sorted by length, dealt like cards, so that every rank gets as many long ones.
std::vector<Excerpt> excerpts_of_rank(const ShardSet& shards, int64_t max_frames,
                                      const Communicator& comm) {
  std::vector<Excerpt> excerpts;
  for (size_t i = 0; i < shards.utts().size(); ++i) {
    const int64_t taken = std::min(shards.utts()[i].num_frames, max_frames);
    excerpts.push_back({static_cast<int64_t>(i), taken, std::max(taken, kTotalStride)});
  }
  std::stable_sort(excerpts.begin(), excerpts.end(),
                   [](const Excerpt& a, const Excerpt& b) { return a.taken < b.taken; });
  std::vector<Excerpt> own;
  for (size_t i = static_cast<size_t>(comm.rank()); i < excerpts.size();
       i += static_cast<size_t>(comm.world_size()))
    own.push_back(excerpts[i]);
  return own;
}

}  // namespace

std::optional<EmbeddingShare> extract_share(const Embedder& embedder, const ShardSet& shards,
                                            const ExtractConfig& config, Communicator& comm,
                                            const std::function<void()>& on_batch) {
  const c10::InferenceMode inference;
  const std::vector<Excerpt> excerpts = excerpts_of_rank(shards, config.max_frames, comm);
  EmbeddingShare share;
  std::vector<int64_t> frames;
  for (const Excerpt& excerpt : excerpts) {
    share.utts.push_back(excerpt.utt);
    frames.push_back(excerpt.frames);
  }
  std::sort(share.utts.begin(), share.utts.end());
  const auto place_of = [&](const Excerpt& excerpt) {
    return std::lower_bound(share.utts.begin(), share.utts.end(), excerpt.utt) - share.utts.begin();
  };
  share.rows = at::empty({static_cast<int64_t>(excerpts.size()), embedder.dim()});
  size_t done = 0;
  const Stopwatch elapsed;
  Stopwatch since_report;
  for (const UttBatch& batch : make_batches(frames, embedder.batching(), config)) {
    if (stop_requested()) break;
    std::vector<Excerpt> members;
    std::vector<int64_t> places;
    members.reserve(batch.members.size());
    places.reserve(batch.members.size());
    for (const size_t i : batch.members) {
      members.push_back(excerpts[i]);
      places.push_back(place_of(excerpts[i]));
    }
    share.rows.index_copy_(0, at::tensor(places, at::kLong),
                           embedder.embed(shards, members, batch.shape));
    done += members.size();
    if (on_batch) on_batch();
    if (comm.rank() == 0 && since_report.seconds() > 5) {
      since_report.restart();
      const double rate = static_cast<double>(done) / elapsed.seconds();
      log_info(concat("extracted ", done, "/", excerpts.size(), " of this rank, ",
                      std::llround(rate * comm.world_size()), " utterances/s"));
    }
  }
  give_free_pages_back();
  at::Tensor stop = at::full({1}, stop_requested() ? 1 : 0, at::kLong);
  comm.all_reduce_now(stop, ReduceOp::kMax, "the end of the extraction");
  if (stop.item<int64_t>() != 0) return std::nullopt;
  return share;
}

void collect_embeddings(const EmbeddingShare& share, const ShardSet& shards, Communicator& comm,
                        const std::function<void(std::span<const float>)>& take,
                        int64_t rows_at_once) {
  const auto total = static_cast<int64_t>(shards.utts().size());
  const at::Tensor utts = at::tensor(share.utts, at::kLong);
  int64_t next = 0;
  for (int64_t begin = 0; begin < total; begin += rows_at_once) {
    const auto last = std::lower_bound(share.utts.begin() + next, share.utts.end(),
                                       std::min(begin + rows_at_once, total)) -
                      share.utts.begin();
    const at::Tensor rows =
        comm.all_gather_rows(share.rows.slice(0, next, last), "gathering embeddings");
    const at::Tensor order =
        comm.all_gather_rows(utts.slice(0, next, last), "gathering their order");
    next = last;
    if (comm.rank() > 0) continue;
    const at::Tensor sorted = at::empty_like(rows).index_copy_(0, order - begin, rows);
    const at::Tensor broken = sorted.isfinite().all(1).logical_not().nonzero();
    if (broken.numel() > 0)
      throw Error(concat("the embedding of ",
                         shards.utts()[static_cast<size_t>(begin + broken[0].item<int64_t>())].utt,
                         " is not finite; the checkpoint is broken, take an earlier one"));
    take({sorted.const_data_ptr<float>(), static_cast<size_t>(sorted.numel())});
  }
}

std::optional<Embeddings> extract_embeddings(const SpcNet& network, const ShardSet& shards,
                                             const ExtractConfig& config, Communicator& comm,
                                             const std::function<void()>& on_batch) {
  const std::optional<EmbeddingShare> share =
      extract_share(Embedder(network), shards, config, comm, on_batch);
  if (!share) return std::nullopt;
  Embeddings all;
  if (comm.rank() == 0) {
    all.utts = shards.ids();
    all.dim = share->rows.size(1);
  }
  collect_embeddings(*share, shards, comm, [&](std::span<const float> rows) {
    all.values.insert(all.values.end(), rows.begin(), rows.end());
  });
  return all;
}

}  // namespace spc
