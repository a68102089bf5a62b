#include "model/folded_net.h"

#include <ATen/ATen.h>

#include <map>
#include <string>

#include "base/error.h"
#include "model/time_statistics.h"

namespace spc {
namespace {

// A network's tensors by their names, which are a promise: see README.
class Named {
 public:
  explicit Named(const TensorTable& table) {
    for (const NamedTensor& each : table) tensors_[each.name] = each.tensor.detach();
  }
  [[nodiscard]] const at::Tensor& operator()(const std::string& name) const {
    return tensors_.at(name);
  }
  [[nodiscard]] BatchNormTensors bn(const std::string& path) const {
    return {(*this)(path + ".weight"), (*this)(path + ".bias"), (*this)(path + ".running_mean"),
            (*this)(path + ".running_var")};
  }
  [[nodiscard]] BlockTensors block(const std::string& path) const {
    const auto of = [&](const char* name) { return (*this)(path + name); };
    return {of(".k1.weight"),    of(".k2.conv.weight"), of(".k2.conv.bias"), of(".k3.conv.weight"),
            of(".k3.conv.bias"), of(".k4.conv.weight"), of(".k4.conv.bias"), of(".conv.weight"),
            of(".conv.bias"),    bn(path + ".k2.bn"),   bn(path + ".k3.bn"), bn(path + ".k4.bn"),
            bn(path + ".bn"),    bn(path + ".bn_out")};
  }

 private:
  std::map<std::string, at::Tensor> tensors_;
};

// SpcNet's features are [C, F] of a frame, those of a packed map [F, C].
// @param weight  [..., C * F]
at::Tensor bins_first(const at::Tensor& weight, int64_t channels) {
  return weight.unflatten(-1, {channels, -1})
      .transpose(-1, -2)
      .clone(at::MemoryFormat::Contiguous)
      .flatten(-2);
}

}  // namespace

FoldedNet::FoldedNet(const SpcNet& network)
    : num_mel_bins_(network.num_mel_bins()), reduction_(network.config().block_reduction()) {
  const SpcNetConfig& config = network.config();
  const Named named(network.tensors());
  const std::vector<int64_t> blocks = config.blocks_per_stage();
  const BlockSwitches switches{reduction_, config.block_pooling == "max", config.identity};
  int64_t channels = config.channels;
  stages_.resize(kNumStages);
  for (size_t stage = 0; stage < kNumStages; ++stage) {
    if (stage == 0) {
      stages_[0].first = FoldedConv::padded(named("stem.conv.weight"), named("stem.conv.bias"),
                                            affine_of(named.bn("stem.bn")));
    } else {
      const std::string down = concat("down.", stage - 1);
      stages_[stage].first =
          FoldedConv::halving(affine_of(named.bn(down + ".bn")), named(down + ".conv.weight"),
                              named(down + ".conv.bias"));
      channels *= 2;
    }
    stages_[stage].blocks.reserve(static_cast<size_t>(blocks[stage]));
    for (int64_t block = 0; block < blocks[stage]; ++block)
      stages_[stage].blocks.emplace_back(named.block(concat("stages.", stage, ".", block)),
                                         switches);
  }
  if (config.pooling == "asp") {
    attention_.push_back(
        {bins_first(named("pool.w1.weight"), channels), named("pool.w1.bias").clone()});
    attention_.push_back({bins_first(named("pool.w2.weight").t(), channels).t().contiguous(),
                          bins_first(named("pool.w2.bias"), channels)});
  }
  const at::Tensor& fc = named("fc.weight");
  fc_ = {bins_first(fc.unflatten(-1, {2, -1}), channels).flatten(-2), named("fc.bias").clone()};
}

at::Tensor FoldedNet::pool_over_time(const at::Tensor& map, const PackedFrames& frames) const {
  const at::Tensor x_TD = map[0].permute({1, 2, 0}).flatten(1);  // no copy: channels are last
  at::Tensor logits_TD;
  if (attention_.empty()) {
    logits_TD = at::zeros_like(x_TD);
  } else {
    const at::Tensor hidden = at::linear(x_TD, attention_[0].weight, attention_[0].bias).tanh_();
    logits_TD = at::linear(hidden, attention_[1].weight, attention_[1].bias);
  }
  std::vector<at::Tensor> rows;
  rows.reserve(frames.size());
  for (size_t i = 0; i < frames.size(); ++i) {
    const auto own = [&](const at::Tensor& all) {
      return all.narrow(0, frames.begin(i), frames.frames(i));
    };
    rows.push_back(weighted_statistics(own(x_TD), own(logits_TD), 0));
  }
  return at::stack(rows);
}

at::Tensor FoldedNet::forward(const at::Tensor& feats_TF, const PackedFrames& packed) const {
  SPC_CHECK(feats_TF.dim() == 2 && feats_TF.size(1) == num_mel_bins_, "the network was built for ",
            num_mel_bins_, " mel bins, the features are ", feats_TF.sizes());
  SPC_CHECK(feats_TF.size(0) == packed.total(), "a packed map of ", packed.total(),
            " frames, the features are ", feats_TF.sizes());
  PackedFrames frames = packed;
  at::Tensor map = at::empty({1, 1, feats_TF.size(0), feats_TF.size(1)}, fc_.weight.options(),
                             at::MemoryFormat::ChannelsLast);
  map[0][0].copy_(feats_TF);
  clear_gaps({map}, frames);
  for (size_t stage = 0; stage < stages_.size(); ++stage) {
    const std::vector<FoldedBlock>& blocks = stages_[stage].blocks;
    map = stages_[stage].first(map, frames);
    if (stage > 0) frames = frames.halved();
    MapParts x = blocks.empty() ? MapParts{map} : blocks[0].empty_parts_like(map);
    map_apply({map}, unchanged(map.size(1), stage == 0), {}, x);
    if (blocks.empty()) continue;
    clear_gaps(x, frames);
    const PackedWindows windows(frames, map.size(3), reduction_, map.scalar_type());
    map.reset();  // what blocks compute lies in the parts
    for (size_t i = 0; i < blocks.size(); ++i)
      x = blocks[i].forward(std::move(x), frames, windows, i + 1 == blocks.size());
    map = x[0];
  }
  return at::linear(pool_over_time(map, frames), fc_.weight, fc_.bias);
}

}  // namespace spc
