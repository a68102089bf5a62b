#include "dist/gradient_reducer.h"

#include <ATen/ATen.h>

#include "base/error.h"

namespace spc {

GradientReducer::GradientReducer(Communicator& comm, std::vector<at::Tensor> parameters,
                                 int64_t bucket_bytes, int64_t first_bucket_bytes)
    : comm_(comm) {
  if (comm.world_size() == 1) return;
  int64_t bytes = 0;
  for (auto parameter = parameters.rbegin(); parameter != parameters.rend(); ++parameter) {
    const int64_t size = static_cast<int64_t>(parameter->nbytes());
    const int64_t limit = buckets_.size() == 1 ? first_bucket_bytes : bucket_bytes;
    const bool same_type = !buckets_.empty() &&
                           buckets_.back().parameters[0].scalar_type() == parameter->scalar_type();
    if (!same_type || bytes + size > limit) {
      buckets_.emplace_back();
      bytes = 0;
    }
    buckets_.back().parameters.push_back(*parameter);
    bytes += size;
  }
  for (Bucket& bucket : buckets_) {
    int64_t count = 0;
    for (const at::Tensor& parameter : bucket.parameters) count += parameter.numel();
    bucket.buffer = at::zeros({count}, bucket.parameters[0].options().requires_grad(false));
  }
}

void GradientReducer::finish() {
  std::vector<std::unique_ptr<Work>> works;
  for (Bucket& bucket : buckets_) {
    int64_t begin = 0;
    for (const at::Tensor& parameter : bucket.parameters) {
      at::Tensor slot = bucket.buffer.narrow(0, begin, parameter.numel());
      if (parameter.grad().defined()) {
        slot.copy_(parameter.grad().view(-1));
      } else {
        slot.zero_();
      }
      begin += parameter.numel();
    }
    works.push_back(
        comm_.all_reduce(bucket.buffer, ReduceOp::kSum, concat("gradient bucket ", works.size())));
  }
  for (size_t i = 0; i < buckets_.size(); ++i) {
    works[i]->wait();
    int64_t begin = 0;
    for (const at::Tensor& parameter : buckets_[i].parameters) {
      if (parameter.grad().defined()) {
        parameter.grad().copy_(
            buckets_[i].buffer.narrow(0, begin, parameter.numel()).view(parameter.sizes()));
      }
      begin += parameter.numel();
    }
  }
}

}  // namespace spc
