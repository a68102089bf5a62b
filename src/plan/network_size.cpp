#include "plan/network_size.h"

#include <algorithm>

#include "model/folded_conv.h"
#include "model/spcnet_summary.h"

namespace spc {

namespace {

// Batch norms are in the convolutions; of 3 x 3 weights those for Winograd's products are 36.
double folded_size(const LayerSummary& layer) {
  if (layer.kind == "batch norm") return 0;
  const bool winograd = layer.kind == "conv 3x3" && layer.name != "stem.conv" &&
                        layer.output[0] >= kFewestChannelsForWinograd;
  return static_cast<double>(layer.parameters) * (winograd ? 36.0 / 9 : 1);
}

}  // namespace

NetworkSize network_size(const RunConfig& config, int64_t num_mel_bins, int64_t num_classes) {
  NetworkSize size;
  for (const LayerSummary& layer : summarize(config.model, num_mel_bins, kTotalStride)) {
    const auto parameters = static_cast<double>(layer.parameters);
    size.backbone += parameters;
    size.folded += folded_size(layer);
    size.largest = std::max(size.largest, parameters);
    if (layer.kind != "batch norm") continue;
    ++size.norms;
    size.norm_channels += parameters / 2;
    if (!layer.name.ends_with("k4.bn")) continue;
    ++size.blocks;
    size.chained_channels += parameters / 2;
  }
  const double embedding = config.model.embedding_dim;
  if (config.train.objective == "dino") {
    const double hidden = config.head.hidden_dim;
    const double bottleneck = config.head.bottleneck_dim;
    size.head = (embedding + 1) * hidden + (hidden + 1) * hidden + (hidden + 1) * bottleneck;
    size.last = bottleneck * config.head.out_dim;
    if (config.head.use_bn) {
      size.head_norms = 2;
      size.head_norm_channels = 2 * hidden;
      size.head += 2 * size.head_norm_channels;
    }
  } else {
    size.last = embedding * static_cast<double>(num_classes);
  }
  size.running = 2 * (size.norm_channels + size.head_norm_channels);
  size.largest = std::max(size.largest, size.last);
  return size;
}

double backbone_multiply_adds(const SpcNetConfig& config, int64_t num_mel_bins, int64_t frames) {
  double sum = 0;
  for (const LayerSummary& layer : summarize(config, num_mel_bins, frames))
    sum += static_cast<double>(layer.multiply_adds);
  return sum;
}

}  // namespace spc
