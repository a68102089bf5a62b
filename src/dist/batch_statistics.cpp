#include "dist/batch_statistics.h"

#include <ATen/ATen.h>

#include "base/error.h"
#include "dist/batch_norm.h"

namespace spc {
namespace {

bool spans_ranks(const Communicator* comm) {
  return comm != nullptr && comm->world_size() > 1;
}

std::vector<at::Tensor> split_like(const at::Tensor& message,
                                   const std::vector<at::Tensor>& parts) {
  std::vector<at::Tensor> split;
  split.reserve(parts.size());
  int64_t begin = 0;
  for (const at::Tensor& part : parts) {
    split.push_back(message.narrow(0, begin, part.numel()).view(part.sizes()));
    begin += part.numel();
  }
  return split;
}

at::Tensor joined(const std::vector<at::Tensor>& parts) {
  std::vector<at::Tensor> flat;
  flat.reserve(parts.size());
  for (const at::Tensor& part : parts) flat.push_back(part.reshape({-1}));
  return at::cat(flat);
}

}  // namespace

at::Tensor ChannelStatistics::invstd() const {
  return (var + kBatchNormEps).rsqrt();
}

std::vector<ChannelStatistics> reduce_statistics(const std::vector<ChannelSums>& norms,
                                                 Communicator* comm) {
  std::vector<at::Tensor> parts;  // sums and count of one norm, then those of the next
  parts.reserve(2 * norms.size());
  for (const ChannelSums& norm : norms) {
    parts.push_back(norm.sums_2C);
    // A number on the CPU needs no copy to be computed with; one that travels is made where the
    // sums are.
    parts.push_back(at::full(
        {}, norm.count,
        spans_ranks(comm) ? norm.sums_2C.options() : norm.sums_2C.options().device(at::kCPU)));
  }
  if (spans_ranks(comm)) {
    const at::Tensor message = joined(parts);
    comm->all_reduce(message, ReduceOp::kSum, "batch norm statistics")->wait_in_stream();
    parts = split_like(message, parts);
  }
  std::vector<ChannelStatistics> statistics;
  statistics.reserve(norms.size());
  for (size_t i = 0; i < norms.size(); ++i) {
    const at::Tensor& sums = parts[2 * i];
    const at::Tensor& count = parts[2 * i + 1];
    // Where this rank alone has enough, the sum need not be looked at, which would wait for it.
    SPC_CHECK(norms[i].count > 1 || count.item<double>() > 1,
              "batch norm needs more than one value per channel; make train.batch_size or the "
              "crops larger");
    const at::Tensor mean = sums[0] / count;
    statistics.push_back({mean, (sums[1] / count - mean * mean).clamp_min(0), count});
  }
  return statistics;
}

void move_running(const BatchNormTensors& bn, const ChannelStatistics& statistics) {
  const auto moved = [](const at::Tensor& running, const at::Tensor& now) {
    return running * (1 - kBatchNormMomentum) + now.to(running.scalar_type());
  };
  const at::Tensor& count = statistics.count;
  const at::Tensor mean = moved(bn.running_mean, statistics.mean * kBatchNormMomentum);
  const at::Tensor var =
      moved(bn.running_var, statistics.var * (kBatchNormMomentum * count / (count - 1)));
  const at::Tensor finite = at::isfinite(mean) & at::isfinite(var);
  at::Tensor running_mean = bn.running_mean;
  at::Tensor running_var = bn.running_var;
  running_mean.copy_(at::where(finite, mean, running_mean));
  running_var.copy_(at::where(finite, var, running_var));
}

std::vector<at::Tensor> reduce_gradient_sums(const std::vector<at::Tensor>& sums,
                                             Communicator* comm) {
  if (!spans_ranks(comm)) return sums;
  const at::Tensor message = joined(sums);
  comm->all_reduce(message, ReduceOp::kSum, "batch norm gradients")->wait_in_stream();
  return split_like(message, sums);
}

}  // namespace spc
