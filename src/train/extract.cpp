#include "train/extract.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <cmath>
#include <map>

#include "base/clock.h"
#include "base/error.h"
#include "base/log.h"
#include "base/process.h"
#include "loader/augment.h"

namespace spc {
namespace {

// A few lengths for all utterances: each is at most an eighth longer than the one before it.
int64_t padded_length(int64_t frames) {
  int64_t length = 32;
  while (length < frames) length += std::max<int64_t>(16, length / 8 / 8 * 8);
  return length;
}

int64_t rows_of_batch(int64_t padded, const ExtractConfig& config) {
  return std::max<int64_t>(1, config.batch_frames / padded);
}

struct Item {
  int64_t utt;
  int64_t frames;  // of what is used
  int64_t padded;
};

// Equal shares: sorted by length, dealt like cards, so that every rank gets as many long ones.
std::vector<Item> items_of_rank(const ShardSet& shards, int64_t max_frames,
                                const Communicator& comm) {
  std::vector<Item> items;
  for (size_t i = 0; i < shards.utts().size(); ++i) {
    const int64_t frames = std::min(shards.utts()[i].num_frames, max_frames);
    items.push_back({static_cast<int64_t>(i), frames, padded_length(frames)});
  }
  std::stable_sort(items.begin(), items.end(),
                   [](const Item& a, const Item& b) { return a.frames < b.frames; });
  std::vector<Item> own;
  for (size_t i = static_cast<size_t>(comm.rank()); i < items.size();
       i += static_cast<size_t>(comm.world_size()))
    own.push_back(items[i]);
  return own;
}

// [1, T, F], mean-subtracted, the middle of what is too long; fewer frames than the network needs
// are repeated.
int64_t fill_row(const ShardSet& shards, const Item& item, float* row) {
  const int64_t bins = shards.num_mel_bins();
  std::vector<float> feats;
  const UtteranceEntry& entry = shards.utts()[static_cast<size_t>(item.utt)];
  shards.read(entry, feats);
  const int64_t first = (entry.num_frames - item.frames) / 2;
  const int64_t used = std::max(item.frames, kTotalStride);
  for (int64_t t = 0; t < used; ++t)
    std::copy_n(feats.data() + (first + t % item.frames) * bins, bins, row + t * bins);
  subtract_mean(row, used, bins);
  return used;
}

}  // namespace

void ExtractConfig::add_to(OptionSet& options) {
  options.add("extract.batch_frames", batch_frames, "frames in a batch, padding included");
  options.add("extract.max_frames", max_frames,
              "of a longer utterance its middle is taken, frames");
  options.add_check([this] { validate(); });
}

void ExtractConfig::validate() const {
  SPC_USAGE_CHECK(batch_frames >= 1 && max_frames >= 32,
                  "extract.batch_frames must be >= 1 and extract.max_frames >= 32");
}

BatchShape largest_batch(std::span<const int64_t> utts, double share, const ExtractConfig& config) {
  std::map<int64_t, int64_t> utts_of_length;
  for (const int64_t frames : utts)
    ++utts_of_length[padded_length(std::min(frames, config.max_frames))];
  BatchShape largest;
  for (const auto& [padded, count] : utts_of_length) {
    const auto own = static_cast<int64_t>(std::ceil(share * static_cast<double>(count)));
    const int64_t rows = std::min(own, rows_of_batch(padded, config));
    if (rows * padded > largest.rows * largest.frames) largest = {rows, padded};
  }
  return largest;
}

std::optional<EmbeddingShare> extract_share(const SpcNet& network, const ShardSet& shards,
                                            const ExtractConfig& config, Communicator& comm,
                                            const std::function<void()>& on_batch) {
  const c10::InferenceMode inference;
  const std::vector<Item> items = items_of_rank(shards, config.max_frames, comm);
  const int64_t bins = shards.num_mel_bins();
  const at::TensorOptions storage = network.tensors().at(0).tensor.options();
  EmbeddingShare share;
  for (const Item& item : items) share.utts.push_back(item.utt);
  std::sort(share.utts.begin(), share.utts.end());
  const auto place_of = [&](const Item& item) {
    return std::lower_bound(share.utts.begin(), share.utts.end(), item.utt) - share.utts.begin();
  };
  const at::Tensor probe = network.forward(at::zeros({1, 32, bins}, storage), ForwardMode{});
  share.rows = at::empty({static_cast<int64_t>(items.size()), probe.size(1)});
  const Stopwatch elapsed;
  Stopwatch since_report;
  for (size_t begin = 0; begin < items.size() && !stop_requested();) {
    const int64_t padded = items[begin].padded;
    const auto limit = static_cast<size_t>(rows_of_batch(padded, config));
    size_t end = begin;
    while (end < items.size() && end - begin < limit && items[end].padded == padded) ++end;
    at::Tensor batch = at::zeros({static_cast<int64_t>(end - begin), padded, bins});
    std::vector<int64_t> frames;
    std::vector<int64_t> places;
    for (size_t i = begin; i < end; ++i) {
      frames.push_back(fill_row(
          shards, items[i],
          batch.mutable_data_ptr<float>() + static_cast<int64_t>(i - begin) * padded * bins));
      places.push_back(place_of(items[i]));
    }
    const Lengths lengths(frames);
    share.rows.index_copy_(
        0, at::tensor(places, at::kLong),
        network.forward(batch.to(storage), ForwardMode{}, &lengths).cpu().to(at::kFloat));
    begin = end;
    if (on_batch) on_batch();
    if (comm.rank() == 0 && since_report.seconds() > 5) {
      since_report.restart();
      const double rate = static_cast<double>(begin) / elapsed.seconds();
      log_info(concat("extracted ", begin, "/", items.size(), " of this rank, ",
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
