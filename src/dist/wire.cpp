#include "dist/wire.h"

#include <ATen/ATen.h>

#include "base/error.h"
#include "base/integers.h"

namespace spc {
namespace {

double squared_distance(const at::Tensor& rounded, const at::Tensor& exact) {
  return (rounded.to(at::kFloat) - exact).square().sum(at::kDouble).item<double>();
}

}  // namespace

double all_reduce_bf16(Communicator& comm, const at::Tensor& values, const std::string& what) {
  SPC_ASSERT(values.scalar_type() == at::kFloat && values.dim() == 1, what,
             ": bfloat16 is for flat float32 values");
  const int64_t world = comm.world_size();
  const int64_t count = values.numel();
  const int64_t part = ceil_divided(count, world);
  const at::Tensor own = at::zeros({world, part}, values.options().dtype(at::kBFloat16));
  own.view(-1).narrow(0, 0, count).copy_(values);
  double changed = squared_distance(own.view(-1).narrow(0, 0, count), values);
  const at::Tensor sum = comm.all_to_all_rows(own, what).to(at::kFloat).sum(0, true);
  const at::Tensor rounded = sum.to(at::kBFloat16);
  changed += squared_distance(rounded, sum);
  values.copy_(comm.all_gather_rows(rounded, what).view(-1).narrow(0, 0, count));
  return changed;
}

}  // namespace spc
