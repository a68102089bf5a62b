#include "kernels/gpu_kernels.h"

#include <cuda_runtime.h>

#include <algorithm>
#include <bit>
#include <stdexcept>
#include <string>

namespace spc {
namespace {

constexpr int64_t kBlock = 256;
constexpr int64_t kWarp = 32;

// Rows are many, so they go along the axis that may be long.
template <class Work>
__global__ void __launch_bounds__(kBlock) run(const Work work, const Grid grid) {
  const int64_t channel = static_cast<int64_t>(blockIdx.y) * blockDim.x + threadIdx.x;
  const int64_t row = static_cast<int64_t>(blockIdx.x) * blockDim.y + threadIdx.y;
  if (channel < grid.channels && row < grid.rows) work({grid, channel, row});
}

// A block is a warp of channels wide, or as wide as there are channels.
template <class Work>
void launch(const Work& work, Grid grid, GpuStream stream) {
  const auto width = std::min<int64_t>(
      kWarp, static_cast<int64_t>(std::bit_ceil(static_cast<uint64_t>(grid.channels))));
  const int64_t height = kBlock / width;
  const auto blocks = [](int64_t threads, int64_t size) {
    return static_cast<unsigned>((threads + size - 1) / size);
  };
  run<<<dim3(blocks(grid.rows, height), blocks(grid.channels, width)),
        dim3(static_cast<unsigned>(width), static_cast<unsigned>(height)), 0,
        static_cast<cudaStream_t>(stream)>>>(work, grid);
  const cudaError_t code = cudaGetLastError();
  if (code != cudaSuccess)
    throw std::runtime_error(std::string("a pass over a map: ") + cudaGetErrorString(code));
}

}  // namespace

template <class T>
const GpuKernels<T>* gpu_kernels() {
  static constexpr GpuKernels<T> kTable{.sum = launch<SumMap<T>>,
                                        .apply = launch<ApplyNorm<T>>,
                                        .sum_gradient = launch<SumGradient<T>>,
                                        .apply_gradient = launch<ApplyGradient<T>>,
                                        .gate = launch<OpenGate<T>>,
                                        .gate_gradient = launch<GateGradient<T>>,
                                        .average = launch<AverageWindows<T>>,
                                        .merge = launch<MergeGradients<T>>,
                                        .add_sums = launch<AddSums>};
  return &kTable;
}
template const GpuKernels<Bf16>* gpu_kernels();
template const GpuKernels<float>* gpu_kernels();
template const GpuKernels<double>* gpu_kernels();

}  // namespace spc
