// The few layers that the networks are made of. Each owns its tensors; forward() only.
#pragma once

#include "dist/batch_norm.h"
#include "model/tensor_table.h"

namespace spc {

/// How a forward pass treats batch norm.
struct ForwardMode {
  bool training = false;         // batch statistics and moving averages, or running statistics
  Communicator* comm = nullptr;  // over whose ranks batch statistics go; nullptr: this rank's own
  bool fused = false;            // training: maps channels-last, in few passes over memory
};

class BatchNorm {
 public:
  BatchNorm(const TensorBuilder& builder, int64_t channels);
  [[nodiscard]] at::Tensor operator()(const at::Tensor& x, const ForwardMode& mode) const;
  [[nodiscard]] const BatchNormTensors& tensors() const { return tensors_; }

 private:
  BatchNormTensors tensors_;
};

/// 2-D convolution over [B, C, F, T], stride = kernel where there is no padding.
class Conv {
 public:
  Conv(const TensorBuilder& builder, int64_t in, int64_t out, int64_t kernel, int64_t stride,
       int64_t padding, bool bias);
  [[nodiscard]] at::Tensor operator()(const at::Tensor& x) const;
  [[nodiscard]] const at::Tensor& weight() const { return weight_; }
  [[nodiscard]] const at::Tensor& bias() const { return bias_; }  // undefined: none

 private:
  at::Tensor weight_;
  at::Tensor bias_;
  int64_t stride_;
  int64_t padding_;
};

class Linear {
 public:
  Linear(const TensorBuilder& builder, int64_t in, int64_t out, const Init& weight,
         const Init& bias);
  [[nodiscard]] at::Tensor operator()(const at::Tensor& x) const;

 private:
  at::Tensor weight_;
  at::Tensor bias_;
};

/// The default of PyTorch's Conv2d and Linear, weight and bias alike: uniform in +-1/sqrt(fan_in).
Init fan_in_uniform(int64_t fan_in);

}  // namespace spc
