// What a configuration of SpcNet amounts to, layer by layer, without building it.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "model/spcnet_config.h"

namespace spc {

struct LayerSummary {
  std::string name;             // module path
  std::string kind;             // "conv 3x3", "batch norm", "linear"
  std::vector<int64_t> output;  // [C, F, T], [D, T] or [D]
  int64_t parameters = 0;
  int64_t multiply_adds = 0;  // of convolutions and linear layers, for one utterance
};

/// @param num_mel_bins F   @param frames T
std::vector<LayerSummary> summarize(const SpcNetConfig& config, int64_t num_mel_bins,
                                    int64_t frames);

}  // namespace spc
