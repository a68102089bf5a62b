#include "onnx_export/folding.h"

#include <cmath>

#include "base/error.h"

namespace spc {

ChannelAffine affine_of(const NormWeights& norm, double eps) {
  const size_t channels = norm.weight.values.size();
  ChannelAffine affine{std::vector<double>(channels), std::vector<double>(channels)};
  for (size_t c = 0; c < channels; ++c) {
    affine.scale[c] = double{norm.weight.values[c]} / std::sqrt(norm.variance.values[c] + eps);
    affine.shift[c] = norm.bias.values[c] - norm.mean.values[c] * affine.scale[c];
  }
  return affine;
}

ConvWeights fold_after(const ConvWeights& conv, const NormWeights& norm, double eps) {
  const ChannelAffine affine = affine_of(norm, eps);
  const size_t outputs = affine.scale.size();
  SPC_ASSERT(conv.bias.values.size() == outputs, "a norm of another number of channels");
  ConvWeights folded = conv;
  const size_t weights = conv.weight.values.size() / outputs;  // of an output
  for (size_t out = 0; out < outputs; ++out) {
    for (size_t i = out * weights; i < (out + 1) * weights; ++i)
      folded.weight.values[i] = static_cast<float>(affine.scale[out] * conv.weight.values[i]);
    folded.bias.values[out] =
        static_cast<float>(affine.scale[out] * conv.bias.values[out] + affine.shift[out]);
  }
  return folded;
}

ConvWeights fold_before(const NormWeights& norm, const ConvWeights& conv, double eps) {
  const ChannelAffine affine = affine_of(norm, eps);
  const size_t inputs = affine.scale.size();
  const size_t outputs = conv.bias.values.size();
  const size_t kernel = conv.weight.values.size() / outputs / inputs;  // elements
  SPC_ASSERT(outputs * inputs * kernel == conv.weight.values.size(),
             "a norm of another number of channels");
  ConvWeights folded = conv;
  for (size_t out = 0; out < outputs; ++out) {
    double bias = conv.bias.values[out];
    for (size_t in = 0; in < inputs; ++in) {
      for (size_t k = 0; k < kernel; ++k) {
        const size_t i = (out * inputs + in) * kernel + k;
        bias += affine.shift[in] * conv.weight.values[i];
        folded.weight.values[i] = static_cast<float>(affine.scale[in] * conv.weight.values[i]);
      }
    }
    folded.bias.values[out] = static_cast<float>(bias);
  }
  return folded;
}

}  // namespace spc
