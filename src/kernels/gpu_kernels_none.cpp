// A build without CUDA.
#include "kernels/gpu_kernels.h"

namespace spc {

template <class T>
const GpuKernels<T>* gpu_kernels() {
  return nullptr;
}
template const GpuKernels<Bf16>* gpu_kernels();
template const GpuKernels<float>* gpu_kernels();
template const GpuKernels<double>* gpu_kernels();

}  // namespace spc
