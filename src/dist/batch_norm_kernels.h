// The passes over memory of batch normalisation. x is [N, C, L] contiguous; statistics per channel,
// in double.
#pragma once

#include <ATen/core/Tensor.h>

namespace spc {

struct BatchNormPasses {
  /// sums[0][C] = sum of x, sums[1][C] = sum of x^2.
  void (*sums)(const at::Tensor& x_NCL, at::Tensor& sums_2C);
  /// y = (x - mean[C]) * scale[C] + bias[C], without cancellation however large the mean is
  void (*apply)(const at::Tensor& x_NCL, const at::Tensor& mean_C, const at::Tensor& scale_C,
                const at::Tensor& bias_C, at::Tensor& y_NCL);
  /// sums[0][C] = sum of dy, sums[1][C] = sum of dy * (x - mean[C])
  void (*backward_sums)(const at::Tensor& dy_NCL, const at::Tensor& x_NCL, const at::Tensor& mean_C,
                        at::Tensor& sums_2C);
  /// dx = dy * a[C] + (x - mean[C]) * b[C] + c[C]
  void (*backward_apply)(const at::Tensor& dy_NCL, const at::Tensor& x_NCL,
                         const at::Tensor& mean_C, const at::Tensor& a_C, const at::Tensor& b_C,
                         const at::Tensor& c_C, at::Tensor& dx_NCL);
};

/// For a CPU. Each channel is summed by one thread in one order: results do not depend on the
/// number of threads.
extern const BatchNormPasses kCpuBatchNorm;
/// In LibTorch's own operations, for any device.
extern const BatchNormPasses kAtenBatchNorm;

}  // namespace spc
