// A build without CUDA.
#include "kernels/gpu_kernels.h"

namespace spc {

template <>
const GpuKernels<Bf16>* gpu_kernels<Bf16>() {
  return nullptr;
}
template <>
const GpuKernels<float>* gpu_kernels<float>() {
  return nullptr;
}
template <>
const GpuKernels<double>* gpu_kernels<double>() {
  return nullptr;
}

}  // namespace spc
