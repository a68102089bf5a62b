#include "model/layers.h"

#include <ATen/ATen.h>

#include <cmath>

namespace spc {

Init fan_in_uniform(int64_t fan_in) {
  return uniform(1.0 / std::sqrt(static_cast<double>(fan_in)));
}

BatchNorm::BatchNorm(const TensorBuilder& builder, int64_t channels)
    : tensors_{builder.parameter("weight", {channels}, constant(1)),
               builder.parameter("bias", {channels}, constant(0)),
               builder.buffer("running_mean", {channels}, 0),
               builder.buffer("running_var", {channels}, 1)} {}

at::Tensor BatchNorm::operator()(const at::Tensor& x, const ForwardMode& mode) const {
  return mode.training ? batch_norm_train(x, tensors_, mode.comm) : batch_norm_eval(x, tensors_);
}

Conv::Conv(const TensorBuilder& builder, int64_t in, int64_t out, int64_t kernel, int64_t stride,
           int64_t padding, bool bias)
    : weight_(builder.parameter("weight", {out, in, kernel, kernel},
                                fan_in_uniform(in * kernel * kernel))),
      stride_(stride),
      padding_(padding) {
  if (bias) bias_ = builder.parameter("bias", {out}, fan_in_uniform(in * kernel * kernel));
}

at::Tensor Conv::operator()(const at::Tensor& x) const {
  return at::conv2d(x, weight_, bias_, stride_, padding_);
}

Linear::Linear(const TensorBuilder& builder, int64_t in, int64_t out, const Init& weight,
               const Init& bias)
    : weight_(builder.parameter("weight", {out, in}, weight)),
      bias_(builder.parameter("bias", {out}, bias)) {}

at::Tensor Linear::operator()(const at::Tensor& x) const {
  return at::linear(x, weight_, bias_);
}

}  // namespace spc
