// Convolutions and batch norm as nodes of a graph, with the weights of a checkpoint.
#pragma once

#include <string>
#include <vector>

#include "onnx_export/folding.h"
#include "onnx_export/graph.h"
#include "onnx_export/weights.h"

namespace spc {

/// The convolutions of SpcNet are of two kinds: 3 x 3 that keeps the size of its map, 2 x 2 without
/// padding that halves it.
struct ConvShape {
  int64_t in = 0;  // channels
  int64_t out = 0;
  bool halves = false;
  [[nodiscard]] int64_t kernel() const { return halves ? 2 : 3; }
};

/// `x` is the name of a map [B, C, F, T], and so is what each returns. Names of parameters and
/// nodes are those of the modules. All throw Error when a weight is missing or wrong.
class Layers {
 public:
  Layers(Graph& graph, const Weights& weights, bool fold_bn)
      : graph_(graph), weights_(weights), fold_bn_(fold_bn) {}

  /// A convolution, and batch norm over what comes out of it.
  std::string conv_norm(const std::string& conv_name, const std::string& norm_name,
                        const std::string& x, const ConvShape& shape);
  /// Batch norm over what goes into a convolution that halves.
  std::string norm_conv(const std::string& norm_name, const std::string& conv_name,
                        const std::string& x, const ConvShape& shape);
  std::string conv_without_bias(const std::string& name, const std::string& x,
                                const ConvShape& shape);
  std::string norm(const std::string& name, const std::string& x, int64_t channels);

  /// A parameter as a constant. @returns its name
  std::string parameter(const std::string& name, const std::vector<int64_t>& shape);
  /// One [n] as a column [n, 1].
  std::string column(const std::string& name, int64_t size);

 private:
  std::string conv(const std::string& name, const std::string& x, const ConvShape& shape,
                   const ConvWeights& own);
  [[nodiscard]] ConvWeights conv_weights(const std::string& name, const ConvShape& shape) const;
  [[nodiscard]] NormWeights norm_weights(const std::string& name, int64_t channels) const;

  Graph& graph_;
  const Weights& weights_;
  bool fold_bn_;
};

}  // namespace spc
