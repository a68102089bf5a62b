// The passes of map_kernels.h on a GPU. Without CUDA's or LibTorch's headers.
#pragma once

#include "kernels/gpu_gate.h"
#include "kernels/gpu_norm.h"

namespace spc {

/// CUDA's stream.
using GpuStream = void*;

/// Each runs a thread's work at every place of a grid. Pointers are to memory of the GPU that is
/// current in the calling thread. Returns when the work is queued behind what the stream has.
/// @throws std::runtime_error  CUDA refused it: what it says
template <class T>
struct GpuKernels {
  template <class Work>
  using Launch = void (*)(const Work& work, Grid grid, GpuStream stream);
  Launch<SumMap<T>> sum;
  Launch<ApplyNorm<T>> apply;
  Launch<SumGradient<T>> sum_gradient;
  Launch<ApplyGradient<T>> apply_gradient;
  Launch<OpenGate<T>> gate;
  Launch<GateGradient<T>> gate_gradient;
  Launch<AverageWindows<T>> average;
  Launch<MergeGradients<T>> merge;
  Launch<AddSums> add_sums;
};

/// For T = Bf16, float, double. nullptr: this is a build without CUDA.
template <class T>
const GpuKernels<T>* gpu_kernels();

}  // namespace spc
