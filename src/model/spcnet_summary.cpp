#include "model/spcnet_summary.h"

#include "base/integers.h"

namespace spc {
namespace {

struct Summarizer {
  std::vector<LayerSummary> layers;

  void conv(const std::string& name, int64_t in, int64_t out, int64_t kernel, int64_t bins,
            int64_t frames, bool bias = true) {
    const int64_t weights = in * out * kernel * kernel;
    layers.push_back({name,
                      "conv " + std::to_string(kernel) + "x" + std::to_string(kernel),
                      {out, bins, frames},
                      weights + (bias ? out : 0),
                      weights * bins * frames});
  }
  void batch_norm(const std::string& name, int64_t channels, int64_t bins, int64_t frames) {
    layers.push_back({name, "batch norm", {channels, bins, frames}, 2 * channels, 0});
  }
  void linear(const std::string& name, int64_t in, int64_t out, int64_t frames) {
    layers.push_back({name, "linear",
                      frames > 1 ? std::vector<int64_t>{out, frames} : std::vector<int64_t>{out},
                      in * out + out, in * out * frames});
  }
};

}  // namespace

std::vector<LayerSummary> summarize(const SpcNetConfig& config, int64_t num_mel_bins,
                                    int64_t frames) {
  Summarizer s;
  int64_t c = config.channels;
  int64_t bins = num_mel_bins;
  s.conv("stem.conv", 1, c, 3, bins, frames);
  s.batch_norm("stem.bn", c, bins, frames);
  const std::vector<int64_t> blocks = config.blocks_per_stage();
  for (size_t stage = 0; stage < kNumStages; ++stage) {
    if (stage > 0) {
      const std::string name = "down." + std::to_string(stage - 1);
      s.batch_norm(name + ".bn", c, bins, frames);
      bins /= 2;
      frames /= 2;
      s.conv(name + ".conv", c, 2 * c, 2, bins, frames);
      c *= 2;
    }
    const int64_t half = c / 2;
    const int64_t partial = config.partial_channels(half);
    const int64_t r = config.block_reduction();
    for (int64_t block = 0; block < blocks[stage]; ++block) {
      const std::string name =
          "stages." + std::to_string(stage) + "." + std::to_string(block) + ".";
      s.conv(name + "k1", partial, partial, 3, bins, frames, false);
      s.conv(name + "k2.conv", half, half, 3, ceil_divided(bins, r), ceil_divided(frames, r));
      s.batch_norm(name + "k2.bn", half, ceil_divided(bins, r), ceil_divided(frames, r));
      for (const char* k : {"k3", "k4"}) {
        s.conv(name + k + ".conv", half, half, 3, bins, frames);
        s.batch_norm(name + k + ".bn", half, bins, frames);
      }
      s.batch_norm(name + "bn", c, bins, frames);
      s.conv(name + "conv", c, c, 3, bins, frames);
      s.batch_norm(name + "bn_out", c, bins, frames);
    }
  }
  const int64_t features = c * bins;
  if (config.pooling == "asp") {
    s.linear("pool.w1", features, config.pooling_hidden, frames);
    s.linear("pool.w2", config.pooling_hidden, features, frames);
  }
  s.linear("fc", 2 * features, config.embedding_dim, 1);
  return s.layers;
}

}  // namespace spc
