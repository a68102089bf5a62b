// The GPUs of this machine, as CUDA shows them.
#include <ATen/ATen.h>
#include <ATen/cuda/CUDAContext.h>
#include <c10/cuda/CUDACachingAllocator.h>
#include <c10/cuda/CUDAFunctions.h>
#include <c10/cuda/CUDAStream.h>
#include <cuda_runtime_api.h>

#include <array>
#include <cstdio>

#include "base/error.h"
#include "dist/device.h"
#include "dist/gpu_backend.h"

namespace spc {
namespace {

cudaDeviceProp properties_of(int index) {
  cudaDeviceProp properties = {};
  const cudaError_t code = cudaGetDeviceProperties(&properties, index);
  SPC_CHECK(code == cudaSuccess, "GPU ", index, ": ", cudaGetErrorString(code));
  return properties;
}

}  // namespace

bool built_with_cuda() {
  return true;
}

std::vector<std::string> visible_gpus() {
  int count = 0;
  if (cudaGetDeviceCount(&count) != cudaSuccess) return {};  // no driver, or none visible
  std::vector<std::string> uuids;
  for (int index = 0; index < count; ++index) {
    const cudaDeviceProp properties = properties_of(index);
    std::string text = "GPU-";
    for (const char byte : properties.uuid.bytes) {
      std::array<char, 3> digits{};
      std::snprintf(digits.data(), digits.size(), "%02x",
                    static_cast<unsigned>(static_cast<unsigned char>(byte)));
      text += digits.data();
    }
    uuids.push_back(text);
  }
  return uuids;
}

bool gpu_has_bf16(c10::Device gpu) {
  return properties_of(gpu.index()).major >= 8;
}

void compute_on(c10::Device gpu) {
  c10::cuda::set_device(gpu.index());
  at::globalContext().setAllowTF32CuDNN(false);
}

void* current_gpu_stream(c10::Device gpu) {
  return c10::cuda::getCurrentCUDAStream(gpu.index()).stream();
}

GpuMemory gpu_memory(c10::Device gpu) {
  (void)at::empty({0}, gpu);  // the allocator may not have been used yet
  const auto stats = c10::cuda::CUDACachingAllocator::getDeviceStats(gpu.index());
  const int64_t allocated = stats.allocated_bytes[0].current;  // [0]: of all kinds of allocations
  return {allocated, stats.reserved_bytes[0].current - allocated,
          static_cast<int64_t>(at::cuda::getDeviceProperties(gpu.index())->totalGlobalMem)};
}

}  // namespace spc
