// The arithmetic of the optimisers in two ways: for a CPU one pass over memory, for a GPU
// LibTorch's operations on lists of tensors, each a launch for some fifty parameters.
#pragma once

#include <ATen/core/Tensor.h>

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
  // AdamW: what the parameter is multiplied by, and what corrects for moments that began at zero
  double kept = 1;
  double step = 0;
  double square_correction = 1;
};

/// What each does to a number stands in kernels/update_kernels.h.
struct UpdatePasses {
  void (*sgd)(const std::vector<UpdateTarget>& targets, const OptimConfig& config, double lr);
  void (*adamw)(const std::vector<UpdateTarget>& targets, const OptimConfig& config);
};

extern const UpdatePasses kUpdateInOnePass;  // tensors on a CPU
extern const UpdatePasses kUpdateInLists;    // on any one device

}  // namespace spc
