#include "onnx_export/layers.h"

#include "base/error.h"
#include "model/spcnet_config.h"

namespace spc {

std::string Layers::conv_norm(const std::string& conv_name, const std::string& norm_name,
                              const std::string& x, const ConvShape& shape) {
  const ConvWeights own = conv_weights(conv_name, shape);
  if (!fold_bn_) return norm(norm_name, conv(conv_name, x, shape, own), shape.out);
  return conv(conv_name, x, shape,
              fold_after(own, norm_weights(norm_name, shape.out), kBatchNormEpsilon));
}

std::string Layers::norm_conv(const std::string& norm_name, const std::string& conv_name,
                              const std::string& x, const ConvShape& shape) {
  SPC_ASSERT(shape.halves, "batch norm cannot go into a convolution with padding");
  const ConvWeights own = conv_weights(conv_name, shape);
  if (!fold_bn_) return conv(conv_name, norm(norm_name, x, shape.in), shape, own);
  return conv(conv_name, x, shape,
              fold_before(norm_weights(norm_name, shape.in), own, kBatchNormEpsilon));
}

std::string Layers::conv_without_bias(const std::string& name, const std::string& x,
                                      const ConvShape& shape) {
  return conv(
      name, x, shape,
      {weights_.get(name + ".weight", {shape.out, shape.in, shape.kernel(), shape.kernel()}), {}});
}

std::string Layers::norm(const std::string& name, const std::string& x, int64_t channels) {
  const NormWeights own = norm_weights(name, channels);
  return graph_.node(
      "BatchNormalization", name,
      {x, graph_.constant(name + ".weight", own.weight), graph_.constant(name + ".bias", own.bias),
       graph_.constant(name + ".running_mean", own.mean),
       graph_.constant(name + ".running_var", own.variance)},
      {{"epsilon", static_cast<float>(kBatchNormEpsilon)}});
}

std::string Layers::parameter(const std::string& name, const std::vector<int64_t>& shape) {
  return graph_.constant(name, weights_.get(name, shape));
}

std::string Layers::column(const std::string& name, int64_t size) {
  FloatTensor values = weights_.get(name, {size});
  values.shape = {size, 1};
  return graph_.constant(name, values);
}

std::string Layers::conv(const std::string& name, const std::string& x, const ConvShape& shape,
                         const ConvWeights& own) {
  std::vector<std::string> inputs{x, graph_.constant(name + ".weight", own.weight)};
  if (!own.bias.values.empty()) inputs.push_back(graph_.constant(name + ".bias", own.bias));
  const int64_t stride = shape.halves ? 2 : 1;
  const int64_t padding = shape.halves ? 0 : 1;
  return graph_.node("Conv", name, inputs,
                     {{"kernel_shape", std::vector<int64_t>(2, shape.kernel())},
                      {"strides", std::vector<int64_t>(2, stride)},
                      {"pads", std::vector<int64_t>(4, padding)}});
}

ConvWeights Layers::conv_weights(const std::string& name, const ConvShape& shape) const {
  return {
      weights_.get(name + ".weight", {shape.out, shape.in, shape.kernel(), shape.kernel()}),
      weights_.get(name + ".bias", {shape.out}),
  };
}

NormWeights Layers::norm_weights(const std::string& name, int64_t channels) const {
  return {
      weights_.get(name + ".weight", {channels}),
      weights_.get(name + ".bias", {channels}),
      weights_.get(name + ".running_mean", {channels}),
      weights_.get(name + ".running_var", {channels}),
  };
}

}  // namespace spc
