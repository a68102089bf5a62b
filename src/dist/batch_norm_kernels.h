// The passes over memory of batch normalisation on a CPU. x is [N, C, L] contiguous; statistics per
// channel, in double. Each channel is summed by one thread in one order: results do not depend on
// the number of threads.
#pragma once

#include <ATen/core/Tensor.h>

namespace spc {

/// sums[0][C] = sum of x, sums[1][C] = sum of x^2.
void batch_norm_sums(const at::Tensor& x_NCL, at::Tensor& sums_2C);

/// y = (x - mean[C]) * scale[C] + bias[C], without cancellation however large the mean is
void batch_norm_apply(const at::Tensor& x_NCL, const at::Tensor& mean_C, const at::Tensor& scale_C,
                      const at::Tensor& bias_C, at::Tensor& y_NCL);

/// sums[0][C] = sum of dy, sums[1][C] = sum of dy * (x - mean[C])
void batch_norm_backward_sums(const at::Tensor& dy_NCL, const at::Tensor& x_NCL,
                              const at::Tensor& mean_C, at::Tensor& sums_2C);

/// dx = dy * a[C] + (x - mean[C]) * b[C] + c[C]
void batch_norm_backward_apply(const at::Tensor& dy_NCL, const at::Tensor& x_NCL,
                               const at::Tensor& mean_C, const at::Tensor& a_C,
                               const at::Tensor& b_C, const at::Tensor& c_C, at::Tensor& dx_NCL);

}  // namespace spc
