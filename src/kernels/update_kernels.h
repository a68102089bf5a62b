// An optimiser's update and the average that follows it, in one pass over memory. For one thread;
// compiled for several processors as the map kernels are.
#pragma once

#include <cstdint>

namespace spc {

/// A parameter and what belongs to it, `count` numbers each.
template <class F>
struct Updated {
  F* parameter = nullptr;
  const F* gradient = nullptr;
  F gradient_scale = 1;
  F* average = nullptr;  // null: none; becomes average_momentum * average + (1 - average_momentum)
                         // * parameter
  F average_momentum = 1;
  int64_t count = 0;
};

template <class F>
struct SgdNumbers {
  F lr = 0;
  F momentum = 0;
  F decay = 0;
};

template <class F>
struct AdamWNumbers {
  F kept = 1;  // of the parameter: 1 - lr * decay
  F beta1 = 0;
  F beta2 = 0;
  F step = 0;               // lr / (1 - beta1^t)
  F square_correction = 1;  // sqrt(1 - beta2^t)
  F eps = 0;
};

template <class F>
struct UpdateKernels {
  /// momentum = numbers.momentum * momentum + gradient + decay * parameter; parameter -= lr *
  /// momentum
  void (*sgd)(const Updated<F>& of, const SgdNumbers<F>& numbers, F* momentum);
  /// mean += (1 - beta1) (gradient - mean); square = beta2 square + (1 - beta2) gradient^2;
  /// parameter = kept * parameter - step * mean / (sqrt(square) / square_correction + eps)
  void (*adamw)(const Updated<F>& of, const AdamWNumbers<F>& numbers, F* mean, F* square);
  /// The average alone, of a parameter that stays as it is.
  void (*average)(const Updated<F>& of);
};

/// For F = float, double.
template <class F>
const UpdateKernels<F>& update_kernels();

}  // namespace spc
