#include "model/time_statistics.h"

#include <ATen/ATen.h>

#include "model/spcnet_config.h"

namespace spc {

at::Tensor weighted_statistics(const at::Tensor& x, const at::Tensor& logits, int64_t time) {
  const at::Tensor weights = at::softmax(logits, time);
  const at::Tensor weighted = weights * x;
  const at::Tensor mean = weighted.sum(time);
  const at::Tensor variance = (weighted * x).sum(time) - mean * mean;
  return at::cat({mean, variance.clamp_min(kVarianceFloor).sqrt()}, -1);
}

}  // namespace spc
