// A build without CUDA.
#include "base/error.h"
#include "dist/device.h"
#include "dist/gpu_backend.h"
#include "dist/gpu_recording.h"

namespace spc {

bool built_with_cuda() {
  return false;
}

std::vector<std::string> visible_gpus() {
  return {};
}

bool gpu_has_bf16(c10::Device gpu) {
  SPC_ASSERT(false, "asked about ", gpu, " in a build without CUDA");
}

void compute_on(c10::Device gpu) {
  SPC_ASSERT(false, "asked to use ", gpu, " in a build without CUDA");
}

void* current_gpu_stream(c10::Device gpu) {
  SPC_ASSERT(false, "asked about ", gpu, " in a build without CUDA");
}

GpuMemory gpu_memory(c10::Device gpu) {
  SPC_ASSERT(false, "asked about ", gpu, " in a build without CUDA");
}

std::unique_ptr<GpuStreamScope> make_gpu_stream_scope(c10::Device gpu) {
  SPC_ASSERT(false, "asked for a stream on ", gpu, " in a build without CUDA");
}

std::unique_ptr<GpuRecording> make_gpu_recording(c10::Device gpu) {
  SPC_ASSERT(false, "asked for a recording on ", gpu, " in a build without CUDA");
}

std::unique_ptr<Communicator> make_nccl_communicator(std::unique_ptr<Communicator>, c10::Device gpu,
                                                     double) {
  SPC_ASSERT(false, "asked for NCCL on ", gpu, " in a build without CUDA");
}

}  // namespace spc
