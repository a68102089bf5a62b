// The projection head of DINO: three linear layers, a normalised bottleneck, and cosine similarity
// to K prototypes. Source: Caron et al. 2021 (arXiv:2104.14294), with batch norm on the hidden
// layers as all speaker recipes have it.
#pragma once

#include <vector>

#include "base/options.h"
#include "model/layers.h"

namespace spc {

struct DinoHeadConfig {
  int out_dim = 65536;  // K
  int hidden_dim = 2048;
  int bottleneck_dim = 256;
  bool use_bn = true;
  void add_to(OptionSet& options);
  void validate() const;
};

class DinoHead {
 public:
  /// @param embedding_dim E
  DinoHead(const DinoHeadConfig& config, int64_t embedding_dim, uint64_t seed,
           const at::TensorOptions& options = at::kFloat);

  /// @returns [B, K] cosines, float32 (float64 in double precision): temperatures do all the
  /// scaling
  [[nodiscard]] at::Tensor forward(const at::Tensor& embedding_BE, const ForwardMode& mode) const;

  [[nodiscard]] const TensorTable& tensors() const { return table_; }
  /// The prototypes' name, whose gradient is dropped during the first epochs.
  static constexpr const char* kLastLayer = "last.weight";

 private:
  TensorTable table_;
  std::vector<Linear> mlp_;
  std::vector<BatchNorm> bn_;
  at::Tensor last_;  // [K, bottleneck], rows are normalised in forward(): weight norm with its gain
                     // fixed at one
};

}  // namespace spc
