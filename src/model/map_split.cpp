#include <ATen/ATen.h>
#include <torch/csrc/autograd/custom_function.h>

#include "model/fused_block.h"

namespace spc {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

class SplitFunction : public torch::autograd::Function<SplitFunction> {
 public:
  static variable_list forward(AutogradContext*, const at::Tensor& x, int64_t partial) {
    const int64_t half = x.size(1) / 2;
    variable_list parts{channels_last(x.narrow(1, 0, half)),
                        channels_last(x.narrow(1, half, partial))};
    if (partial < half) parts.push_back(channels_last(x.narrow(1, half + partial, half - partial)));
    return parts;
  }
  static variable_list backward(AutogradContext*, const variable_list& gradients) {
    return {at::cat(gradients, 1), {}};
  }
};

}  // namespace

MapParts split_for_blocks(const at::Tensor& x, int64_t partial) {
  return SplitFunction::apply(x, partial);
}

}  // namespace spc
