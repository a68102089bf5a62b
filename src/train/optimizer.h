// SGD with momentum and AdamW, as PyTorch defines them, over named tensors whose state goes into
// checkpoints under their names.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "model/tensor_table.h"
#include "train/config.h"

namespace spc {

class Optimizer {
 public:
  virtual ~Optimizer() = default;
  /// Updates every parameter that has a gradient; one without is left alone, momentum and weight
  /// decay included.
  virtual void step(double lr) = 0;
  /// Its state by parameter name, e.g. "backbone.fc.weight.momentum", and the step counts that
  /// AdamW corrects its bias by.
  [[nodiscard]] virtual TensorTable state() const = 0;
};

/// @param parameters  gradients are read from their grad(); those with one dimension get no weight
/// decay
std::unique_ptr<Optimizer> make_optimizer(const OptimConfig& config,
                                          const std::vector<NamedTensor>& parameters);

/// Scales each tensor's gradient so that its L2 norm is at most `max_norm` (0: leaves all as they
/// are).
struct ClipResult {
  double norm = 0;      // of all gradients together, before that
  int64_t clipped = 0;  // tensors that were scaled
};
ClipResult clip_gradients(const std::vector<NamedTensor>& parameters, double max_norm);

}  // namespace spc
