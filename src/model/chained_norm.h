// Batch norms of a block as numbers of one batch. Two of them follow each other, and are one here.
#pragma once

#include <ATen/core/Tensor.h>

#include <utility>

#include "dist/batch_statistics.h"
#include "model/channels_last.h"

namespace spc {

/// A batch norm's numbers of one batch. Both [C] float64.
struct BatchNumbers {
  at::Tensor mean;
  at::Tensor invstd;
  [[nodiscard]] ChannelNorm with(const BatchNormTensors& bn) const;
  /// Of weight and bias, from sums of map_backward_sums() over this rank alone.
  [[nodiscard]] std::pair<at::Tensor, at::Tensor> gradients(const at::Tensor& own_2C,
                                                            const BatchNormTensors& bn) const;
};

/// Moves the running statistics of `bn`. @returns what it normalises this batch by
BatchNumbers take_numbers(const ChannelStatistics& statistics, const BatchNormTensors& bn);

/// relu(bn([Y1, others])) where Y1 = first(c4): batch norm of a batch norm. Y1 is never made. Its
/// mean is first's bias and its variance follows from c4's, so both norms together are one affine
/// map of c4.
class ChainedNorm {
 public:
  /// @param of_c4  by which `first` normalises, [C/2]   @param of_others  mean and deviation of the
  /// other channels, [C/2]
  ChainedNorm(const BatchNumbers& of_c4, const BatchNumbers& of_others,
              const BatchNormTensors& first, const BatchNormTensors& bn);

  /// Of [c4, others].
  [[nodiscard]] ChannelNorm norm() const;
  /// Mean and variance of [Y1, others].
  [[nodiscard]] ChannelStatistics statistics(const ChannelStatistics& of_c4_and_others) const;
  /// @param sums_2C  of map_backward_sums() over all ranks   @param count  [] values of a channel
  [[nodiscard]] ChannelBackward backward(const at::Tensor& sums_2C, const at::Tensor& count) const;
  /// Of bn's weight and bias, from sums over this rank alone.
  [[nodiscard]] std::pair<at::Tensor, at::Tensor> gradients(const at::Tensor& own_2C) const;
  /// Of first's weight, whose effect bn nearly takes away; its bias has no gradient at all.
  [[nodiscard]] at::Tensor first_weight_gradient(const at::Tensor& own_2C) const;

 private:
  [[nodiscard]] int64_t half() const { return first_weight_.size(0); }
  BatchNumbers of_c4_;
  BatchNumbers of_others_;
  BatchNormTensors first_;
  BatchNormTensors bn_;
  at::Tensor first_weight_;  // float64
  at::Tensor invstd_;        // of Y1
  at::Tensor factor_;        // of deviations of [c4, others], before bn's weight
};

}  // namespace spc
