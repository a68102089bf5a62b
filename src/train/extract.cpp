#include "train/extract.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <cmath>

#include "base/clock.h"
#include "base/error.h"
#include "base/log.h"
#include "base/process.h"
#include "loader/augment.h"
#include "model/folded_net.h"

namespace spc {
namespace {

struct Item {
  int64_t utt;
  int64_t taken;   // of its frames
  int64_t frames;  // repeated where they are fewer than the network needs
};

// Equal shares: sorted by length, dealt like cards, so that every rank gets as many long ones.
std::vector<Item> items_of_rank(const ShardSet& shards, int64_t max_frames,
                                const Communicator& comm) {
  std::vector<Item> items;
  for (size_t i = 0; i < shards.utts().size(); ++i) {
    const int64_t taken = std::min(shards.utts()[i].num_frames, max_frames);
    items.push_back({static_cast<int64_t>(i), taken, std::max(taken, kTotalStride)});
  }
  std::stable_sort(items.begin(), items.end(),
                   [](const Item& a, const Item& b) { return a.taken < b.taken; });
  std::vector<Item> own;
  for (size_t i = static_cast<size_t>(comm.rank()); i < items.size();
       i += static_cast<size_t>(comm.world_size()))
    own.push_back(items[i]);
  return own;
}

// [T, F] to `to`, mean-subtracted, the middle of what is too long.
void read_features(const ShardSet& shards, const Item& item, float* to) {
  const int64_t bins = shards.num_mel_bins();
  std::vector<float> feats;
  const UtteranceEntry& entry = shards.utts()[static_cast<size_t>(item.utt)];
  shards.read(entry, feats);
  const int64_t first = (entry.num_frames - item.taken) / 2;
  for (int64_t t = 0; t < item.frames; ++t)
    std::copy_n(feats.data() + (first + t % item.taken) * bins, bins, to + t * bins);
  subtract_mean(to, item.frames, bins);
}

// A network and how it takes its batches.
class Embedder {
 public:
  explicit Embedder(const SpcNet& network) : network_(network) {
    if (storage().device().is_cpu()) folded_.emplace(network);
  }
  [[nodiscard]] Batching batching() const {
    return folded_ ? Batching::kPacked : Batching::kPadded;
  }
  /// @returns [items, E] float32 on the CPU
  [[nodiscard]] at::Tensor operator()(const ShardSet& shards, const std::vector<Item>& items,
                                      const BatchShape& shape) const {
    std::vector<int64_t> frames;
    frames.reserve(items.size());
    for (const Item& item : items) frames.push_back(item.frames);
    return (folded_ ? packed(shards, items, PackedFrames(frames, shape.frames))
                    : padded(shards, items, shape, Lengths(frames)))
        .to(at::kCPU, at::kFloat);
  }

 private:
  [[nodiscard]] at::TensorOptions storage() const {
    return network_.tensors().at(0).tensor.options();
  }

  [[nodiscard]] at::Tensor packed(const ShardSet& shards, const std::vector<Item>& items,
                                  const PackedFrames& frames) const {
    const at::Tensor feats_TF = at::empty({frames.total(), shards.num_mel_bins()});
    auto* to = feats_TF.mutable_data_ptr<float>();
    for (size_t i = 0; i < items.size(); ++i)
      read_features(shards, items[i], to + frames.begin(i) * shards.num_mel_bins());
    return folded_->forward(feats_TF, frames);
  }

  [[nodiscard]] at::Tensor padded(const ShardSet& shards, const std::vector<Item>& items,
                                  const BatchShape& shape, const Lengths& lengths) const {
    const at::Tensor feats_BTF = at::zeros({shape.rows, shape.frames, shards.num_mel_bins()});
    auto* to = feats_BTF.mutable_data_ptr<float>();
    for (const Item& item : items) {
      read_features(shards, item, to);
      to += shape.frames * shards.num_mel_bins();
    }
    return network_.forward(feats_BTF.to(storage()), ForwardMode{}, &lengths);
  }

  const SpcNet& network_;
  std::optional<FoldedNet> folded_;  // on a CPU
};

}  // namespace

std::optional<EmbeddingShare> extract_share(const SpcNet& network, const ShardSet& shards,
                                            const ExtractConfig& config, Communicator& comm,
                                            const std::function<void()>& on_batch) {
  const c10::InferenceMode inference;
  const std::vector<Item> items = items_of_rank(shards, config.max_frames, comm);
  EmbeddingShare share;
  std::vector<int64_t> frames;
  for (const Item& item : items) {
    share.utts.push_back(item.utt);
    frames.push_back(item.frames);
  }
  std::sort(share.utts.begin(), share.utts.end());
  const auto place_of = [&](const Item& item) {
    return std::lower_bound(share.utts.begin(), share.utts.end(), item.utt) - share.utts.begin();
  };
  share.rows = at::empty({static_cast<int64_t>(items.size()), network.config().embedding_dim});
  const Embedder embed(network);
  size_t done = 0;
  const Stopwatch elapsed;
  Stopwatch since_report;
  for (const UttBatch& batch : make_batches(frames, embed.batching(), config)) {
    if (stop_requested()) break;
    std::vector<Item> members;
    std::vector<int64_t> places;
    members.reserve(batch.members.size());
    places.reserve(batch.members.size());
    for (const size_t i : batch.members) {
      members.push_back(items[i]);
      places.push_back(place_of(items[i]));
    }
    share.rows.index_copy_(0, at::tensor(places, at::kLong), embed(shards, members, batch.shape));
    done += members.size();
    if (on_batch) on_batch();
    if (comm.rank() == 0 && since_report.seconds() > 5) {
      since_report.restart();
      const double rate = static_cast<double>(done) / elapsed.seconds();
      log_info(concat("extracted ", done, "/", items.size(), " of this rank, ",
                      std::llround(rate * comm.world_size()), " utterances/s"));
    }
  }
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
      extract_share(network, shards, config, comm, on_batch);
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
