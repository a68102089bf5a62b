#include "dist/gpu_recording.h"

#include <ATen/cuda/CUDAGraph.h>
#include <c10/cuda/CUDACachingAllocator.h>
#include <c10/cuda/CUDAGuard.h>
#include <c10/cuda/CUDAStream.h>

#include <exception>

#include "base/error.h"
#include "base/log.h"

namespace spc {
namespace {

class CudaStreamScope : public GpuStreamScope {
 public:
  explicit CudaStreamScope(c10::Device gpu)
      : before_(c10::cuda::getCurrentCUDAStream(gpu.index())),
        guard_(c10::cuda::getStreamFromPool(false, gpu.index())) {
    before_.synchronize();
  }
  // After a failure the stream may wait for other ranks without end.
  ~CudaStreamScope() override {
    if (std::uncaught_exceptions() > exceptions_) return;
    try {
      guard_.current_stream().synchronize();
    } catch (const std::exception& error) {
      log_warning(concat("at the end of the computation on the GPU: ", error.what()));
    }
  }

 private:
  int exceptions_ = std::uncaught_exceptions();
  c10::cuda::CUDAStream before_;
  c10::cuda::CUDAStreamGuard guard_;
};

class CudaGraph : public GpuRecording {
 public:
  explicit CudaGraph(c10::Device gpu) : gpu_(gpu) {}

  void record(const std::function<void()>& work) override {
    const c10::cuda::CUDAGuard guard(gpu_);
    c10::cuda::getCurrentCUDAStream(gpu_.index()).synchronize();
    // The graph has memory of its own; what earlier steps left behind would lie there beside it.
    c10::cuda::CUDACachingAllocator::emptyCache();
    with_context("recording a step on the GPU; train.cuda_graphs false does without", [&] {
      try {
        // Other threads, which save or watch, may go on using the GPU.
        graph_.capture_begin({0, 0}, cudaStreamCaptureModeThreadLocal);
        work();
        graph_.capture_end();
      } catch (const c10::Error& error) {
        throw Error(error.what_without_backtrace());
      }
    });
  }
  void repeat() override {
    const c10::cuda::CUDAGuard guard(gpu_);
    graph_.replay();
  }

 private:
  c10::Device gpu_;
  at::cuda::CUDAGraph graph_;
};

}  // namespace

std::unique_ptr<GpuStreamScope> make_gpu_stream_scope(c10::Device gpu) {
  return std::make_unique<CudaStreamScope>(gpu);
}

std::unique_ptr<GpuRecording> make_gpu_recording(c10::Device gpu) {
  return std::make_unique<CudaGraph>(gpu);
}

}  // namespace spc
