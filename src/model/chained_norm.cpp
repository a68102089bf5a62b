#include "model/chained_norm.h"

#include <ATen/ATen.h>

#include "dist/batch_norm.h"
#include "model/autograd_tools.h"

namespace spc {

ChannelNorm BatchNumbers::with(const BatchNormTensors& bn) const {
  return {mean, bn.weight * invstd, bn.bias};
}

std::pair<at::Tensor, at::Tensor> BatchNumbers::gradients(const at::Tensor& own_2C,
                                                          const BatchNormTensors& bn) const {
  return {like(own_2C[1] * invstd, bn.weight), like(own_2C[0], bn.bias)};
}

BatchNumbers take_numbers(const ChannelStatistics& statistics, const BatchNormTensors& bn) {
  move_running(bn, statistics);
  return {statistics.mean, statistics.invstd()};
}

// Y1 = w4 xhat + b4, and xhat = (c4 - mean) invstd has the variance 1 - eps invstd^2.
ChainedNorm::ChainedNorm(const BatchNumbers& of_c4, const BatchNumbers& of_others,
                         const BatchNormTensors& first, const BatchNormTensors& bn)
    : of_c4_(of_c4),
      of_others_(of_others),
      first_(first),
      bn_(bn),
      first_weight_(first.weight.to(at::kDouble)) {
  const at::Tensor variance = first_weight_.square() * (1 - kBatchNormEps * of_c4_.invstd.square());
  invstd_ = (variance + kBatchNormEps).rsqrt();
  factor_ = at::cat({invstd_ * first_weight_ * of_c4_.invstd, of_others_.invstd});
}

ChannelNorm ChainedNorm::norm() const {
  return {at::cat({of_c4_.mean, of_others_.mean}), bn_.weight * factor_, bn_.bias, true};
}

ChannelStatistics ChainedNorm::statistics(const ChannelStatistics& of_c4_and_others) const {
  const int64_t others = of_c4_and_others.mean.size(0) - half();
  return {
      at::cat({first_.bias.to(at::kDouble), of_c4_and_others.mean.narrow(0, half(), others)}),
      at::cat({invstd_.pow(-2) - kBatchNormEps, of_c4_and_others.var.narrow(0, half(), others)}),
      of_c4_and_others.count};
}

// dc4 = scale (du - mean(du) - xhat mean(du xhat) (w4^2 + eps) / (var(Y1) + eps)): first's gradient
// of bn's, and Y1's mean has none.
ChannelBackward ChainedNorm::backward(const at::Tensor& sums_2C, const at::Tensor& count) const {
  const at::Tensor chained =
      of_c4_.invstd.square() * (first_weight_.square() + kBatchNormEps) * invstd_.square();
  const at::Tensor squares = at::cat({chained, of_others_.invstd.square()});
  const at::Tensor scale = norm().scale;
  return {scale, -scale * squares * sums_2C[1] / count, -scale * sums_2C[0] / count};
}

std::pair<at::Tensor, at::Tensor> ChainedNorm::gradients(const at::Tensor& own_2C) const {
  return {like(own_2C[1] * factor_, bn_.weight), like(own_2C[0], bn_.bias)};
}

at::Tensor ChainedNorm::first_weight_gradient(const at::Tensor& own_2C) const {
  const at::Tensor dscale =
      own_2C[1].narrow(0, 0, half()) * of_c4_.invstd * bn_.weight.narrow(0, 0, half());
  return like(dscale * invstd_.pow(3) * kBatchNormEps, first_.weight);
}

}  // namespace spc
