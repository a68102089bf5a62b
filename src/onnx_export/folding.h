// Batch normalisation by running statistics is one factor and one summand a channel, so a
// convolution beside it can take it over. The sums are in double precision.
#pragma once

#include <vector>

#include "onnx_export/float_tensor.h"

namespace spc {

/// All [C].
struct NormWeights {
  FloatTensor weight;
  FloatTensor bias;
  FloatTensor mean;      // running
  FloatTensor variance;  // running
};

struct ConvWeights {
  FloatTensor weight;  // [out, in, height, width]
  FloatTensor bias;    // [out]
};

/// y = scale x + shift, a channel each.
struct ChannelAffine {
  std::vector<double> scale;
  std::vector<double> shift;
};

/// @param eps  what is added to the variance
ChannelAffine affine_of(const NormWeights& norm, double eps);

/// The convolution that equals `conv` and then `norm` over its outputs, whatever its padding.
ConvWeights fold_after(const ConvWeights& conv, const NormWeights& norm, double eps);

/// The convolution that equals `norm` over its inputs and then `conv`. Only of one without padding:
/// padding is zero behind the normalisation, not in front of it.
ConvWeights fold_before(const NormWeights& norm, const ConvWeights& conv, double eps);

}  // namespace spc
