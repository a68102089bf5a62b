// Inputs of the batch norm tests, all by formula, and one pass forward and backward.
#pragma once

#include <ATen/ATen.h>

#include <string>
#include <vector>

#include "dist/batch_norm.h"

namespace spc {

/// Values around `mean` that repeat nowhere, each channel with a deviation of its own.
inline at::Tensor wavy(at::IntArrayRef shape, at::ScalarType type, double phase = 0,
                       double mean = 0.5, double deviation = 1) {
  int64_t count = 1;
  for (const int64_t size : shape) count *= size;
  const at::Tensor i = at::arange(count, at::kDouble);
  return ((at::sin(1.37 * i + phase) + 0.6 * at::sin(0.0031 * i * i)) * deviation + mean)
      .view(shape)
      .to(type);
}

inline BatchNormTensors bn_tensors(int64_t channels, at::ScalarType type) {
  return {wavy({channels}, type, 1, 1.2, 0.3).set_requires_grad(true),
          wavy({channels}, type, 2, 0, 0.5).set_requires_grad(true),
          wavy({channels}, type, 3, 0, 0.2), wavy({channels}, type, 4, 1.5, 0.3)};
}

struct Pass {
  at::Tensor y, dx, dweight, dbias, running_mean, running_var;
};

/// `forward(x, bn)` in training, then backward of sum(y * dy).
template <class Forward>
Pass run_pass(const at::Tensor& values, const at::Tensor& dy, const BatchNormTensors& bn,
              Forward forward) {
  const at::Tensor x = values.detach().clone().set_requires_grad(true);
  const at::Tensor y = forward(x, bn);
  y.backward(dy);
  return {y.detach(), x.grad(), bn.weight.grad(), bn.bias.grad(), bn.running_mean, bn.running_var};
}

inline at::Tensor ours(const at::Tensor& x, const BatchNormTensors& bn) {
  return batch_norm_train(x, bn, nullptr);
}
inline at::Tensor theirs(const at::Tensor& x, const BatchNormTensors& bn) {
  return at::batch_norm(x, bn.weight, bn.bias, bn.running_mean, bn.running_var, true,
                        kBatchNormMomentum, kBatchNormEps, false);
}

/// The largest absolute difference of two tensors of one shape; infinite where the shapes differ.
inline double distance(const at::Tensor& a, const at::Tensor& b) {
  if (a.sizes() != b.sizes()) return INFINITY;
  return (a.to(at::kDouble) - b.to(at::kDouble)).abs().max().item<double>();
}

}  // namespace spc
