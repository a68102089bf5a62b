// A backward pass with a known outcome.
#pragma once

#include <ATen/ATen.h>

#include <vector>

namespace spc {

/// Runs backward so that each parameter gets this gradient; one that is undefined is not reached.
inline void backward_giving(const std::vector<at::Tensor>& parameters,
                            const std::vector<at::Tensor>& gradients) {
  at::Tensor loss = at::zeros({}, at::kDouble);
  for (size_t p = 0; p < parameters.size(); ++p) {
    if (gradients[p].defined()) loss = loss + (parameters[p] * gradients[p]).sum().to(at::kDouble);
  }
  if (loss.requires_grad()) loss.backward();
}

}  // namespace spc
