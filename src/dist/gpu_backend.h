// What a build with CUDA adds. gpu_none.cpp or gpu_cuda.cpp and nccl_communicator.cpp.
#pragma once

#include <c10/core/Device.h>

#include <memory>
#include <string>
#include <vector>

#include "dist/communicator.h"

namespace spc {

bool built_with_cuda();

/// UUIDs of the GPUs that this process may use; none where there is no driver.
std::vector<std::string> visible_gpus();

bool gpu_has_bf16(c10::Device gpu);

/// Makes it this thread's, on which CUDA does what names no GPU; and this process's convolutions of
/// float32 what they say, not TF32, LibTorch's default.
void compute_on(c10::Device gpu);

/// CUDA's handle of the stream on which this thread computes.
void* current_gpu_stream(c10::Device gpu);

/// NCCL for tensors on `gpu`, `control` for those on the CPU and for all else. Collective.
/// @throws Error  NCCL cannot be set up: what it says
std::unique_ptr<Communicator> make_nccl_communicator(std::unique_ptr<Communicator> control,
                                                     c10::Device gpu, double timeout_s);

}  // namespace spc
