// The passes in LibTorch's own operations: for GPUs, and what the CPU's are compared with.
#include <ATen/ATen.h>

#include "dist/batch_norm_kernels.h"

namespace spc {
namespace {

// float32 at least, as the CPU's loops compute.
at::Tensor wide(const at::Tensor& x) {
  return x.scalar_type() == at::kDouble ? x : x.to(at::kFloat);
}

at::Tensor per_channel(const at::Tensor& values_C, const at::Tensor& like) {
  return values_C.to(like.scalar_type()).view({1, -1, 1});
}

// In double from plane to plane only: all of x in double would be a copy of it.
at::Tensor channel_sums(const at::Tensor& x_NCL) {
  return x_NCL.sum(2).sum(0, false, at::kDouble);
}

// A mean in the type of x, from which deviations are exact, and what that left of it. No
// cancellation however large the mean is beside the deviations.
struct Pivot {
  Pivot(const at::Tensor& mean_C, const at::Tensor& x)
      : value(per_channel(mean_C, x)), rest_C(value.view(-1).to(at::kDouble) - mean_C) {}
  at::Tensor value;   // [1, C, 1]
  at::Tensor rest_C;  // value - mean
};

void aten_sums(const at::Tensor& x_NCL, at::Tensor& sums_2C) {
  const at::Tensor x = wide(x_NCL);
  const auto count = static_cast<double>(x.size(0) * x.size(2));
  const Pivot pivot(channel_sums(x) / count, x);
  const at::Tensor deviation = x - pivot.value;
  const at::Tensor mean_C = pivot.value.view(-1).to(at::kDouble);
  const at::Tensor deviations = channel_sums(deviation);
  sums_2C[0].copy_(deviations + mean_C * count);
  sums_2C[1].copy_(channel_sums(deviation.square()) + 2 * mean_C * deviations +
                   mean_C.square() * count);
}

void aten_apply(const at::Tensor& x_NCL, const at::Tensor& mean_C, const at::Tensor& scale_C,
                const at::Tensor& bias_C, at::Tensor& y_NCL) {
  const at::Tensor x = wide(x_NCL);
  const Pivot pivot(mean_C, x);
  y_NCL.copy_((x - pivot.value) * per_channel(scale_C, x) +
              per_channel(bias_C + pivot.rest_C * scale_C, x));
}

void aten_backward_sums(const at::Tensor& dy_NCL, const at::Tensor& x_NCL, const at::Tensor& mean_C,
                        at::Tensor& sums_2C) {
  const at::Tensor x = wide(x_NCL);
  const at::Tensor dy = wide(dy_NCL);
  const Pivot pivot(mean_C, x);
  sums_2C[0].copy_(channel_sums(dy));
  sums_2C[1].copy_(channel_sums(dy * (x - pivot.value)) + pivot.rest_C * sums_2C[0]);
}

void aten_backward_apply(const at::Tensor& dy_NCL, const at::Tensor& x_NCL,
                         const at::Tensor& mean_C, const at::Tensor& a_C, const at::Tensor& b_C,
                         const at::Tensor& c_C, at::Tensor& dx_NCL) {
  const at::Tensor x = wide(x_NCL);
  const Pivot pivot(mean_C, x);
  dx_NCL.copy_(wide(dy_NCL) * per_channel(a_C, x) + (x - pivot.value) * per_channel(b_C, x) +
               per_channel(c_C + pivot.rest_C * b_C, x));
}

}  // namespace

const BatchNormPasses kAtenBatchNorm{aten_sums, aten_apply, aten_backward_sums,
                                     aten_backward_apply};

}  // namespace spc
