// A GPU's passes on the CPU: the same functions of a thread's place, called for one place after the
// other. Rows go last to first, so that a thread that leans on another is found out.
#pragma once

#include <cstdint>
#include <utility>
#include <vector>

#include "kernels/gpu_kernels.h"

namespace spc {

template <class Work>
void run_on_host(const Work& work, Grid grid, GpuStream /*stream*/) {
  for (int64_t row = grid.rows; row-- > 0;)
    for (int64_t channel = 0; channel < grid.channels; ++channel) work({grid, channel, row});
}

template <class T>
const GpuKernels<T>* host_kernels() {
  static constexpr GpuKernels<T> kTable{.sum = run_on_host<SumMap<T>>,
                                        .apply = run_on_host<ApplyNorm<T>>,
                                        .sum_gradient = run_on_host<SumGradient<T>>,
                                        .apply_gradient = run_on_host<ApplyGradient<T>>,
                                        .gate = run_on_host<OpenGate<T>>,
                                        .gate_gradient = run_on_host<GateGradient<T>>,
                                        .average = run_on_host<AverageWindows<T>>,
                                        .merge = run_on_host<MergeGradients<T>>,
                                        .add_sums = run_on_host<AddSums>};
  return &kTable;
}

// [2, channels], as the kernels add up partial sums.
inline std::vector<double> added_up(std::vector<double> sums, int64_t channels) {
  while (static_cast<int64_t>(sums.size()) > 2 * channels) {
    const int64_t rows = static_cast<int64_t>(sums.size()) / (2 * channels);
    const int64_t groups = (rows + AddSums::kSumsAtOnce - 1) / AddSums::kSumsAtOnce;
    std::vector<double> next(static_cast<size_t>(groups * 2 * channels));
    run_on_host(AddSums{sums.data(), rows, next.data()}, {2 * channels, groups}, nullptr);
    sums = std::move(next);
  }
  return sums;
}

// Of work whose `to` is given here. @returns [2, channels]
template <class Work>
std::vector<double> sums_of(Work work, PartialSums Work::*to, Grid grid) {
  std::vector<double> partial(static_cast<size_t>(2 * grid.rows * grid.channels));
  (work.*to).data = partial.data();
  run_on_host(work, grid, nullptr);
  return added_up(partial, grid.channels);
}

}  // namespace spc
