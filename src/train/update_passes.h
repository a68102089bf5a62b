// The arithmetic of the optimisers in two ways: for a CPU one pass over memory, for a GPU
// LibTorch's operations on lists of tensors, each a launch for some fifty parameters.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <vector>

#include "train/config.h"

namespace spc {

/// A parameter and what belongs to it; tensors of one shape and type.
struct UpdateTarget {
  at::Tensor parameter;
  at::Tensor gradient;  // undefined: the parameter and its moments stay as they are
  double gradient_scale = 1;
  double decay = 0;    // weight decay
  at::Tensor average;  // undefined: none; it follows a parameter that stays, too
  double average_momentum = 1;
  at::Tensor first_moment;   // SGD: its momentum
  at::Tensor second_moment;  // AdamW
  int64_t count = 0;         // AdamW: of its updates, this one included
};

/// What each does to a number stands in kernels/update_kernels.h.
struct UpdatePasses {
  void (*sgd)(const std::vector<UpdateTarget>& targets, const OptimConfig& config, double lr);
  void (*adamw)(const std::vector<UpdateTarget>& targets, const OptimConfig& config, double lr);
};

extern const UpdatePasses kUpdateInOnePass;  // tensors on a CPU
extern const UpdatePasses kUpdateInLists;    // on any one device

/// What AdamW multiplies a parameter by, and what corrects its moments for their zeros at the
/// start.
struct AdamWFactors {
  AdamWFactors(const UpdateTarget& target, const OptimConfig& config, double lr);
  double kept;
  double step;
  double square_correction;
};

}  // namespace spc
