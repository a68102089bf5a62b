#include "train/embedder.h"

#include <ATen/ATen.h>
#include <c10/core/GradMode.h>

#include <algorithm>

#include "loader/augment.h"

namespace spc {
namespace {

// [T, F] to `to`
void read_features(const ShardSet& shards, const Excerpt& excerpt, float* to) {
  const int64_t bins = shards.num_mel_bins();
  std::vector<float> feats;
  const UtteranceEntry& entry = shards.utts()[static_cast<size_t>(excerpt.utt)];
  shards.read(entry, feats);
  const int64_t first = (entry.num_frames - excerpt.taken) / 2;
  for (int64_t t = 0; t < excerpt.frames; ++t)
    std::copy_n(feats.data() + (first + t % excerpt.taken) * bins, bins, to + t * bins);
  subtract_mean(to, excerpt.frames, bins);
}

at::Tensor packed(const FoldedNet& network, const ShardSet& shards,
                  const std::vector<Excerpt>& excerpts, const PackedFrames& frames) {
  const at::Tensor feats_TF = at::empty({frames.total(), shards.num_mel_bins()});
  auto* to = feats_TF.mutable_data_ptr<float>();
  for (size_t i = 0; i < excerpts.size(); ++i)
    read_features(shards, excerpts[i], to + frames.begin(i) * shards.num_mel_bins());
  return network.forward(feats_TF, frames);
}

at::Tensor padded(const SpcNet& network, const ShardSet& shards,
                  const std::vector<Excerpt>& excerpts, const BatchShape& shape,
                  const Lengths& lengths) {
  const at::Tensor feats_BTF = at::zeros({shape.rows, shape.frames, shards.num_mel_bins()});
  auto* to = feats_BTF.mutable_data_ptr<float>();
  for (const Excerpt& excerpt : excerpts) {
    read_features(shards, excerpt, to);
    to += shape.frames * shards.num_mel_bins();
  }
  const at::TensorOptions storage = network.tensors().at(0).tensor.options();
  return network.forward(feats_BTF.to(storage), ForwardMode{}, &lengths);
}

}  // namespace

Embedder::Embedder(const SpcNet& network) : network_(network) {
  const c10::NoGradGuard no_grad;
  if (network.tensors().at(0).tensor.is_cpu()) folded_.emplace(network);
}

Batching Embedder::batching() const {
  return folded_ ? Batching::kPacked : Batching::kPadded;
}

at::Tensor Embedder::embed(const ShardSet& shards, const std::vector<Excerpt>& excerpts,
                           const BatchShape& shape) const {
  std::vector<int64_t> frames;
  frames.reserve(excerpts.size());
  for (const Excerpt& excerpt : excerpts) frames.push_back(excerpt.frames);
  return (folded_ ? packed(*folded_, shards, excerpts, PackedFrames(frames, shape.frames))
                  : padded(network_, shards, excerpts, shape, Lengths(frames)))
      .to(at::kCPU, at::kFloat);
}

}  // namespace spc
