// SGD with momentum and AdamW, as PyTorch defines them, over named tensors whose state goes into
// checkpoints under their names.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "model/tensor_table.h"
#include "train/config.h"
#include "train/update_passes.h"

namespace spc {

/// What follows the parameters: the average of parameter i becomes momentum * average + (1 -
/// momentum) * parameter, whether it has a gradient or not.
struct Averages {
  std::vector<at::Tensor> tensors;  // as many as parameters, or none
  double momentum = 1;
};

struct Update {
  double lr = 0;
  std::vector<double> gradient_scales;  // of each parameter; none: 1
  Averages averages;
};

class Optimizer {
 public:
  virtual ~Optimizer() = default;
  /// Updates every parameter that has a gradient, and its average after it; one without is left
  /// alone, momentum and weight decay included.
  virtual void step(const Update& update) = 0;
  /// Its state by parameter name, e.g. "backbone.fc.weight.momentum", and the step counts that
  /// AdamW corrects its bias by.
  [[nodiscard]] virtual TensorTable state() const = 0;
};

/// @param parameters  gradients are read from their grad(); those with one dimension get no weight
/// decay
std::unique_ptr<Optimizer> make_optimizer(const OptimConfig& config,
                                          const std::vector<NamedTensor>& parameters,
                                          const UpdatePasses& passes);
/// In the way that suits their device.
std::unique_ptr<Optimizer> make_optimizer(const OptimConfig& config,
                                          const std::vector<NamedTensor>& parameters);

struct Clipping {
  double norm = 0;             // of all gradients together, before
  int64_t clipped = 0;         // tensors whose gradient is scaled
  std::vector<double> scales;  // of each parameter's gradient
};
/// How each tensor's gradient has to be scaled for its L2 norm to be at most `max_norm` (0: not at
/// all).
Clipping clipping(const std::vector<NamedTensor>& parameters, double max_norm);

}  // namespace spc
