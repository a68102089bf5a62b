// Statistics of channels over all ranks: what every batch norm, plain or fused, takes its mean and
// variance from.
#pragma once

#include <ATen/core/Tensor.h>

#include <vector>

#include "dist/communicator.h"

namespace spc {

struct BatchNormTensors {
  at::Tensor weight;        // [C] float32 (float64 in double-precision runs)
  at::Tensor bias;          // [C]
  at::Tensor running_mean;  // [C]
  at::Tensor running_var;   // [C], unbiased
};

/// Sums over this rank's values. Legend: C channels
struct ChannelSums {
  at::Tensor sums_2C;  // float64: of x, of x^2
  double count = 0;    // values per channel
};

struct ChannelStatistics {
  at::Tensor mean;   // [C] float64
  at::Tensor var;    // [C] float64, biased
  at::Tensor count;  // [] float64, > 1; beside the others, or on the CPU
  [[nodiscard]] at::Tensor invstd() const;
};

/// Statistics over the ranks of `comm`, in one message however many norms there are. Collective.
/// Neither this nor what follows waits for a GPU.
/// @param comm  nullptr: this rank's own
/// @throws Error  one value per channel in all: there is no variance to normalise by
std::vector<ChannelStatistics> reduce_statistics(const std::vector<ChannelSums>& norms,
                                                 Communicator* comm);

/// Moves the running statistics towards these; where they are not finite nothing moves: the step
/// will be skipped, and a running NaN would stay for good.
void move_running(const BatchNormTensors& bn, const ChannelStatistics& statistics);

/// Sums of gradients over the ranks, in one message. Collective. @returns in the order given; the
/// arguments stay as they are
std::vector<at::Tensor> reduce_gradient_sums(const std::vector<at::Tensor>& sums,
                                             Communicator* comm);

}  // namespace spc
