#include "model/spcnet_config.h"

#include <algorithm>
#include <cmath>
#include <sstream>

#include "base/error.h"

namespace spc {

void SpcNetConfig::add_to(OptionSet& options) {
  options.add("model.channels", channels, "C0, channels of the first stage, a multiple of 8");
  options.add("model.blocks", blocks, "blocks per stage, four numbers with commas");
  options.add("model.reduction", reduction, "pooling kernel and stride inside a block");
  options.add("model.block_pooling", block_pooling, "pooling inside a block: avg, max or none");
  options.add("model.identity", identity, "add the input inside the sigmoid of a block");
  options.add("model.pconv_ratio", pconv_ratio,
              "share of the second half's channels that are convolved, 0..1");
  options.add("model.pooling", pooling,
              "pooling over time: asp (attentive statistics) or stats (mean, deviation)");
  options.add("model.pooling_hidden", pooling_hidden, "hidden units of the attention");
  options.add("model.embedding_dim", embedding_dim, "dimensions of the embedding");
  options.add_check([this] { validate(); });
}

void SpcNetConfig::validate() const {
  SPC_USAGE_CHECK(channels >= 8 && channels % 8 == 0, "model.channels = ", channels,
                  ", must be a positive multiple of 8");
  SPC_USAGE_CHECK(reduction >= 1, "model.reduction = ", reduction, ", must be >= 1");
  SPC_USAGE_CHECK(block_pooling == "avg" || block_pooling == "max" || block_pooling == "none",
                  "model.block_pooling = ", block_pooling, ", must be avg, max or none");
  SPC_USAGE_CHECK(pconv_ratio > 0 && pconv_ratio <= 1, "model.pconv_ratio = ", pconv_ratio,
                  ", must be in (0, 1]");
  SPC_USAGE_CHECK(pooling == "asp" || pooling == "stats", "model.pooling = ", pooling,
                  ", must be asp or stats");
  SPC_USAGE_CHECK(pooling_hidden >= 1 && embedding_dim >= 1,
                  "model.pooling_hidden and model.embedding_dim must be >= 1");
  (void)blocks_per_stage();
}

std::vector<int64_t> SpcNetConfig::blocks_per_stage() const {
  std::istringstream text(blocks);
  std::vector<int64_t> counts;
  for (std::string item; std::getline(text, item, ',');) {
    const bool is_number = !item.empty() &&
                           item.find_first_not_of("0123456789") == std::string::npos &&
                           item.size() < 5;
    SPC_USAGE_CHECK(is_number, "model.blocks = ", blocks,
                    ", must be four numbers with commas, e.g. 3,3,9,3");
    counts.push_back(std::stoll(item));
  }
  SPC_USAGE_CHECK(counts.size() == kNumStages, "model.blocks = ", blocks,
                  ", must be four numbers with commas, e.g. 3,3,9,3");
  return counts;
}

int64_t SpcNetConfig::partial_channels(int64_t half) const {
  return std::max<int64_t>(1, std::llround(pconv_ratio * static_cast<double>(half)));
}

int64_t SpcNetConfig::block_reduction() const {
  return block_pooling == "none" ? 1 : reduction;
}

}  // namespace spc
