#include "train/extract.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <cmath>

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

std::optional<Embeddings> extract_embeddings(const SpcNet& network, const ShardSet& shards,
                                             const ExtractConfig& config, Communicator& comm,
                                             const std::function<void()>& on_batch) {
  const c10::InferenceMode inference;
  const std::vector<Item> items = items_of_rank(shards, config.max_frames, comm);
  const int64_t bins = shards.num_mel_bins();
  const at::TensorOptions storage = network.tensors().at(0).tensor.options();
  std::vector<at::Tensor> embeddings;
  std::vector<int64_t> order;
  const Stopwatch elapsed;
  Stopwatch since_report;
  for (size_t begin = 0; begin < items.size() && !stop_requested();) {
    const int64_t padded = items[begin].padded;
    const auto limit = static_cast<size_t>(std::max<int64_t>(1, config.batch_frames / padded));
    size_t end = begin;
    while (end < items.size() && end - begin < limit && items[end].padded == padded) ++end;
    at::Tensor batch = at::zeros({static_cast<int64_t>(end - begin), padded, bins});
    std::vector<int64_t> frames;
    for (size_t i = begin; i < end; ++i) {
      frames.push_back(fill_row(
          shards, items[i],
          batch.mutable_data_ptr<float>() + static_cast<int64_t>(i - begin) * padded * bins));
      order.push_back(items[i].utt);
    }
    const Lengths lengths(frames);
    embeddings.push_back(
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
  const int64_t dim =
      embeddings.empty() ? network.forward(at::zeros({1, 32, bins}, storage), ForwardMode{}).size(1)
                         : embeddings[0].size(1);
  const at::Tensor own =
      embeddings.empty() ? at::empty({0, dim}) : at::cat(embeddings, 0).contiguous();
  const at::Tensor all = comm.all_gather_rows(own, "gathering embeddings");
  const at::Tensor all_order =
      comm.all_gather_rows(at::tensor(order, at::kLong), "gathering their order");
  Embeddings result;
  if (comm.rank() != 0) return result;
  result.dim = dim;
  result.values.resize(static_cast<size_t>(all.numel()));
  for (const UtteranceEntry& entry : shards.utts()) result.utts.push_back(entry.utt);
  const auto* rows = all.const_data_ptr<float>();
  for (int64_t i = 0; i < all.size(0); ++i) {
    const auto utt = static_cast<size_t>(all_order.const_data_ptr<int64_t>()[i]);
    const float* row = rows + i * dim;
    SPC_CHECK(std::all_of(row, row + dim, [](float value) { return std::isfinite(value); }),
              "the embedding of ", result.utts[utt],
              " is not finite; the checkpoint is broken, take an earlier one");
    std::copy_n(row, dim, result.values.data() + utt * static_cast<size_t>(dim));
  }
  return result;
}

}  // namespace spc
