// Work that a GPU repeats as a whole: some thousand kernels of a step cost it one launch.
#pragma once

#include <c10/core/Device.h>

#include <functional>
#include <memory>

namespace spc {

/// This thread's stream on a GPU is one of its own while this lives: on the default one nothing can
/// be recorded. Work from before comes first, what follows comes after.
class GpuStreamScope {
 public:
  GpuStreamScope() = default;
  virtual ~GpuStreamScope() = default;
  GpuStreamScope(const GpuStreamScope&) = delete;
  GpuStreamScope& operator=(const GpuStreamScope&) = delete;
};
std::unique_ptr<GpuStreamScope> make_gpu_stream_scope(c10::Device gpu);

class GpuRecording {
 public:
  GpuRecording() = default;
  virtual ~GpuRecording() = default;
  GpuRecording(const GpuRecording&) = delete;
  GpuRecording& operator=(const GpuRecording&) = delete;

  /// Calls `work`; what it gives this thread's stream is recorded, not done. It may neither look at
  /// a value that the GPU computes nor copy from memory of the CPU. Once.
  /// @throws Error  it did one of these, or CUDA says otherwise why it cannot be recorded
  virtual void record(const std::function<void()>& work) = 0;
  /// Gives all that to this thread's stream: the same kernels on the same memory. Tensors that
  /// `work` has made are computed anew in their place.
  virtual void repeat() = 0;
};
/// A CUDA graph, in a GpuStreamScope of this thread.
std::unique_ptr<GpuRecording> make_gpu_recording(c10::Device gpu);

}  // namespace spc
