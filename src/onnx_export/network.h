// SpcNet (model/spcnet.h) as an ONNX graph: features in, embedding out.
// Legend: B utterances, T frames, F mel bins, C channels, E embedding dimensions.
#pragma once

#include "model/spcnet_config.h"
#include "onnx_export/graph.h"
#include "onnx_export/weights.h"

namespace spc {

/// The version of ONNX's standard operators that the graph is made of.
inline constexpr int kOnnxOpset = 13;

/// Input `feats` float32 [B, T, F], log mel energies, from which the graph subtracts their mean
/// over time; output `embs` [B, E]. B and T vary from call to call; fewer frames than the network
/// needs are repeated, as `spcnet extract` does. Constants bear the names of the parameters, but
/// that the biases of the attention are columns.
/// @param fold_bn  batch norm goes into the convolution beside it, where that is exact: all but the
/// one behind the concatenation in a block
/// @throws Error  a weight that is missing or wrong
Graph build_network(const SpcNetConfig& config, int64_t num_mel_bins, const Weights& weights,
                    bool fold_bn);

}  // namespace spc
