#include "model/spcnet.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <cmath>

#include "base/error.h"
#include "base/integers.h"
#include "model/fused_norm.h"
#include "model/time_statistics.h"

namespace spc {

static_assert(kBatchNormEpsilon == kBatchNormEps,
              "exported networks take it from the configuration");

Lengths Lengths::ceil_divided(int64_t r) const {
  std::vector<int64_t> shorter = frames_;
  for (int64_t& frames : shorter) frames = spc::ceil_divided(frames, r);
  return Lengths(std::move(shorter));
}

Lengths Lengths::floor_divided(int64_t r) const {
  std::vector<int64_t> shorter = frames_;
  for (int64_t& frames : shorter) frames /= r;
  return Lengths(std::move(shorter));
}

void Lengths::clear_tail(const at::Tensor& map) const {
  const int64_t total = map.size(-1);
  for (size_t b = 0; b < frames_.size(); ++b) {
    if (frames_[b] < total)
      map.select(0, static_cast<int64_t>(b)).narrow(-1, frames_[b], total - frames_[b]).zero_();
  }
}

SpcBlock::SpcBlock(const TensorBuilder& builder, int64_t channels, const SpcNetConfig& config)
    : half_(channels / 2),
      partial_(config.partial_channels(half_)),
      reduction_(config.block_reduction()),
      max_pooling_(config.block_pooling == "max"),
      identity_(config.identity),
      k1_(builder.sub("k1"), partial_, partial_, 3, 1, 1, false),
      k2_(builder.sub("k2.conv"), half_, half_, 3, 1, 1, true),
      k2_bn_(builder.sub("k2.bn"), half_),
      k3_(builder.sub("k3.conv"), half_, half_, 3, 1, 1, true),
      k3_bn_(builder.sub("k3.bn"), half_),
      k4_(builder.sub("k4.conv"), half_, half_, 3, 1, 1, true),
      k4_bn_(builder.sub("k4.bn"), half_),
      bn_(builder.sub("bn"), channels),
      conv_(builder.sub("conv"), channels, channels, 3, 1, 1, true),
      bn_out_(builder.sub("bn_out"), channels) {}

at::Tensor SpcBlock::pool(const at::Tensor& x1, const Lengths* lengths) const {
  if (reduction_ == 1) return x1;
  if (max_pooling_) {
    if (lengths == nullptr) return at::max_pool2d(x1, reduction_, reduction_, 0, 1, true);
    at::Tensor masked = x1.clone();  // zeros behind the end would win over negative values
    for (size_t b = 0; b < lengths->frames().size(); ++b) {
      const int64_t end = lengths->frames()[b];
      masked.select(0, static_cast<int64_t>(b)).narrow(-1, end, x1.size(-1) - end).fill_(-INFINITY);
    }
    return at::max_pool2d(masked, reduction_, reduction_, 0, 1, true);
  }
  at::Tensor pooled = at::avg_pool2d(x1, reduction_, reduction_, 0, true, false);
  if (lengths == nullptr) return pooled;
  // Where the last window of an utterance is cut by its end but not by the padding's, the mean was
  // taken over too many frames.
  for (size_t b = 0; b < lengths->frames().size(); ++b) {
    const int64_t end = lengths->frames()[b];
    const int64_t inside = end % reduction_;
    const int64_t window_end = std::min(end - inside + reduction_, x1.size(-1));
    if (inside == 0 || window_end == end) continue;
    const double correction =
        static_cast<double>(window_end - (end - inside)) / static_cast<double>(inside);
    pooled.select(0, static_cast<int64_t>(b)).select(-1, end / reduction_).mul_(correction);
  }
  return pooled;
}

at::Tensor SpcBlock::upsample(const at::Tensor& small, const at::Tensor& like,
                              const Lengths* lengths) const {
  const int64_t bins = like.size(-2);
  const int64_t frames = like.size(-1);
  if (reduction_ == 1) return small;
  if (lengths == nullptr) return at::upsample_nearest2d(small, {bins, frames});
  // "Nearest" maps frame t to floor(t * ceil(T / r) / T), which depends on the utterance's own T.
  at::Tensor up = at::zeros_like(like);
  for (size_t b = 0; b < lengths->frames().size(); ++b) {
    const auto row = static_cast<int64_t>(b);
    const int64_t end = lengths->frames()[b];
    const int64_t small_end = ceil_divided(end, reduction_);
    up.narrow(0, row, 1)
        .narrow(-1, 0, end)
        .copy_(
            at::upsample_nearest2d(small.narrow(0, row, 1).narrow(-1, 0, small_end), {bins, end}));
  }
  return up;
}

at::Tensor SpcBlock::calibration(const at::Tensor& x1, const ForwardMode& mode,
                                 const Lengths* lengths) const {
  at::Tensor small = pool(x1, lengths);
  if (lengths != nullptr) lengths->ceil_divided(reduction_).clear_tail(small);
  const at::Tensor up = upsample(k2_bn_(k2_(small), mode), x1, lengths);
  return at::sigmoid(identity_ ? x1 + up : up);
}

at::Tensor SpcBlock::forward(const at::Tensor& x, const ForwardMode& mode,
                             const Lengths* lengths) const {
  const at::Tensor x1 = x.narrow(1, 0, half_);
  const at::Tensor x2 = x.narrow(1, half_, half_);
  const at::Tensor calibrated = k3_bn_(k3_(x1), mode) * calibration(x1, mode, lengths);
  if (lengths != nullptr) lengths->clear_tail(calibrated);
  const at::Tensor y1 = k4_bn_(k4_(calibrated), mode);
  const at::Tensor convolved = k1_(x2.narrow(1, 0, partial_));
  const at::Tensor y = partial_ == half_
                           ? at::cat({y1, convolved}, 1)
                           : at::cat({y1, convolved, x2.narrow(1, partial_, half_ - partial_)}, 1);
  const at::Tensor activated = at::relu(bn_(y, mode));
  if (lengths != nullptr) lengths->clear_tail(activated);
  at::Tensor sum = x + bn_out_(conv_(activated), mode);
  if (lengths != nullptr) lengths->clear_tail(sum);
  return sum;
}

MapParts SpcBlock::forward_fused(const MapParts& x, const ForwardMode& mode, bool whole) const {
  const BlockTensors tensors{k1_.weight(),  k2_.weight(),     k2_.bias(),       k3_.weight(),
                             k3_.bias(),    k4_.weight(),     k4_.bias(),       conv_.weight(),
                             conv_.bias(),  k2_bn_.tensors(), k3_bn_.tensors(), k4_bn_.tensors(),
                             bn_.tensors(), bn_out_.tensors()};
  return fused_block_train(x, tensors, {reduction_, max_pooling_, identity_}, whole, mode.comm);
}

SpcNet::SpcNet(const SpcNetConfig& config, int64_t num_mel_bins, uint64_t seed,
               const at::TensorOptions& options)
    : config_(config), num_mel_bins_(num_mel_bins) {
  config.validate();
  SPC_USAGE_CHECK(num_mel_bins >= kTotalStride, "the network needs at least ", kTotalStride,
                  " mel bins, got ", num_mel_bins);
  const TensorBuilder root(table_, seed, options);
  int64_t channels = config.channels;
  stem_.emplace(Stem{Conv(root.sub("stem.conv"), 1, channels, 3, 1, 1, true),
                     BatchNorm(root.sub("stem.bn"), channels)});
  const std::vector<int64_t> blocks = config.blocks_per_stage();
  for (size_t stage = 0; stage < kNumStages; ++stage) {
    if (stage > 0) {
      const TensorBuilder builder = root.sub("down").sub(stage - 1);
      BatchNorm bn(builder.sub("bn"), channels);
      down_.push_back(
          {std::move(bn), Conv(builder.sub("conv"), channels, 2 * channels, 2, 2, 0, true)});
      channels *= 2;
    }
    stages_.emplace_back();
    for (size_t block = 0; block < static_cast<size_t>(blocks[stage]); ++block) {
      stages_.back().emplace_back(root.sub("stages").sub(stage).sub(block), channels, config);
    }
  }
  const int64_t features = channels * (num_mel_bins / 2 / 2 / 2);
  if (config.pooling == "asp") {
    attention_.emplace_back(root.sub("pool.w1"), features, config.pooling_hidden,
                            fan_in_uniform(features), fan_in_uniform(features));
    attention_.emplace_back(root.sub("pool.w2"), config.pooling_hidden, features,
                            fan_in_uniform(config.pooling_hidden),
                            fan_in_uniform(config.pooling_hidden));
  }
  fc_.emplace(root.sub("fc"), 2 * features, config.embedding_dim, fan_in_uniform(2 * features),
              fan_in_uniform(2 * features));
}

at::Tensor SpcNet::pool_over_time(const at::Tensor& map_BDT, const Lengths* lengths) const {
  const at::Tensor frames_BTD = map_BDT.transpose(1, 2);
  at::Tensor logits_BDT = attention_.empty()
                              ? at::zeros_like(map_BDT)
                              : attention_[1](at::tanh(attention_[0](frames_BTD))).transpose(1, 2);
  // Statistics in single precision at least: bf16 squares lose the variance of nearly constant
  // rows.
  const at::ScalarType statistics_type =
      map_BDT.scalar_type() == at::kDouble ? at::kDouble : at::kFloat;
  logits_BDT = logits_BDT.to(statistics_type);
  if (lengths != nullptr) {
    for (size_t b = 0; b < lengths->frames().size(); ++b) {
      const int64_t end = lengths->frames()[b];
      logits_BDT.select(0, static_cast<int64_t>(b))
          .narrow(-1, end, logits_BDT.size(-1) - end)
          .fill_(-INFINITY);
    }
  }
  return weighted_statistics(map_BDT.to(statistics_type), logits_BDT, -1);
}

// The maps of training, channels-last from the features to the last stage.
at::Tensor SpcNet::fused_maps(const at::Tensor& feats_B1FT, const ForwardMode& mode) const {
  at::Tensor x =
      at::empty(feats_B1FT.sizes(), feats_B1FT.options(), at::MemoryFormat::ChannelsLast);
  x.copy_(feats_B1FT);
  x = fused_norm_train(stem_->conv(x), stem_->bn.tensors(), true, mode.comm);
  for (size_t stage = 0; stage < stages_.size(); ++stage) {
    if (stage > 0) {
      const Down& down = down_[stage - 1];
      x = down.conv(fused_norm_train(x, down.bn.tensors(), false, mode.comm));
    }
    const std::vector<SpcBlock>& blocks = stages_[stage];
    if (blocks.empty()) continue;
    MapParts parts = split_for_blocks(x, blocks[0].partial());
    for (size_t i = 0; i < blocks.size(); ++i)
      parts = blocks[i].forward_fused(parts, mode, i + 1 == blocks.size());
    x = parts[0];
  }
  return x;
}

at::Tensor SpcNet::forward(const at::Tensor& feats_BTF, const ForwardMode& mode,
                           const Lengths* lengths) const {
  SPC_CHECK(feats_BTF.dim() == 3 && feats_BTF.size(2) == num_mel_bins_,
            "the network was built for ", num_mel_bins_, " mel bins, the features are ",
            feats_BTF.sizes());
  SPC_CHECK(feats_BTF.size(1) >= kTotalStride, "the network needs at least ", kTotalStride,
            " frames, got ", feats_BTF.size(1));
  SPC_ASSERT(lengths == nullptr || !mode.training, "padded batches are for evaluation");
  if (lengths != nullptr) {
    const std::vector<int64_t>& frames = lengths->frames();
    const auto fits = [&](int64_t each) {
      return each >= kTotalStride && each <= feats_BTF.size(1);
    };
    SPC_CHECK(static_cast<int64_t>(frames.size()) == feats_BTF.size(0) &&
                  std::all_of(frames.begin(), frames.end(), fits),
              "a padded batch needs one length of ", kTotalStride, " to ", feats_BTF.size(1),
              " frames for each of the ", feats_BTF.size(0), " utterances");
  }
  const at::Tensor map = feats_BTF.transpose(1, 2).unsqueeze(1);
  if (mode.fused && mode.training) {
    const at::Tensor x = fused_maps(map, mode);
    return (*fc_)(pool_over_time(x.flatten(1, 2), nullptr)).to(feats_BTF.scalar_type());
  }
  at::Tensor x = map.contiguous();
  std::optional<Lengths> own;
  if (lengths != nullptr) {
    own = *lengths;
    own->clear_tail(x);
  }
  const auto now = [&] { return own ? &*own : nullptr; };

  x = at::relu(stem_->bn(stem_->conv(x), mode));
  if (own) own->clear_tail(x);
  for (size_t stage = 0; stage < stages_.size(); ++stage) {
    if (stage > 0) {
      x = down_[stage - 1].conv(down_[stage - 1].bn(x, mode));
      if (own) {
        own = own->floor_divided(2);
        own->clear_tail(x);
      }
    }
    for (const SpcBlock& block : stages_[stage]) x = block.forward(x, mode, now());
  }
  return (*fc_)(pool_over_time(x.flatten(1, 2), now())).to(feats_BTF.scalar_type());
}

}  // namespace spc
