// A GPU's passes on the CPU: the same functions of a thread's place, called for one place after the
// other. Rows go last to first, so that a thread that leans on another is found out.
#pragma once

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

}  // namespace spc
