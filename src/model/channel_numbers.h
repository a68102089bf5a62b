// A normalisation's numbers in the type of computation.
#pragma once

#include <vector>

#include "model/channels_last.h"
#include "model/map_access.h"

namespace spc {

template <class F>
class ChannelNumbers {
 public:
  explicit ChannelNumbers(const ChannelNorm& norm)
      : mean_(to_numbers<F>(norm.mean)),
        scale_(to_numbers<F>(norm.scale)),
        bias_(to_numbers<F>(norm.bias + rest(norm.mean) * norm.scale)) {}

  [[nodiscard]] Affine<F> from(int64_t channel) const {
    return {mean_.data() + channel, scale_.data() + channel, bias_.data() + channel};
  }
  /// The mean that kernels subtract, less the mean: what rounding it to F left, to be put right in
  /// double.
  [[nodiscard]] at::Tensor rest(const at::Tensor& mean) const {
    return at::tensor(mean_, at::kDouble) - mean;
  }

 private:
  std::vector<F> mean_;
  std::vector<F> scale_;
  std::vector<F> bias_;
};

}  // namespace spc
