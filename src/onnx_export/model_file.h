// An ONNX file: the graph, and what a program that runs it must know.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

#include "onnx_export/graph.h"

namespace spc {

struct ModelDescription {
  std::string fbank;    // options of the features, "num_mel_bins=80 ..."
  std::string network;  // teacher or student
  int64_t step = 0;     // of training
  int64_t embedding_dim = 0;
};

/// Whole or not at all. Metadata, all texts: what WeSpeaker's runtime and sherpa-onnx read
/// (framework, language, output_dim, sample_rate, normalize_samples, feature_normalize_type), and
/// fbank, role, step, spcnet_version.
/// @throws Error  the disk is full, the file would exceed the 2 GiB that the format allows
void write_model(const std::filesystem::path& path, const Graph& graph,
                 const ModelDescription& description);

}  // namespace spc
