// One step of training: forward, backward, sum over ranks, verdict, update.
#pragma once

#include <algorithm>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "dist/gpu_recording.h"
#include "dist/gradient_reducer.h"
#include "train/objective.h"
#include "train/optimizer.h"

namespace spc {

struct StepResult {
  bool finite = true;           // over all ranks; if not, nothing was updated
  std::string first_nonfinite;  // "rank 1: gradient of backbone.fc.weight"
  bool stop = false;            // some rank was asked to stop
  double loss = 0;              // mean over the whole batch
  double local_loss = 0;        // this rank's share of it
  double grad_norm = 0;         // of all gradients, before clipping
  int64_t clipped = 0;          // tensors whose gradient was
  double wire_error = 0;        // of rounding gradients to bfloat16, relative to their norm
  Figures figures;              // summed over ranks
  double compute_seconds = 0;   // forward and backward
  double reduce_seconds = 0;    // waiting for other ranks after backward
  double update_seconds = 0;    // clipping, optimiser, moving average
};

/// Times of a step, seconds.
struct StepTimes {
  double data = 0;   // waited for the loader
  double own = 0;    // not waiting for other ranks
  double whole = 0;  // data included

  /// Waited for other ranks: for gradients, and for batch statistics amid forward and backward.
  [[nodiscard]] double waited() const { return std::max(0.0, whole - data - own); }
};

struct StepOptions {
  double clip_norm = 0;    // of each tensor's gradient, 0: none
  int64_t accumulate = 1;  // micro-batches, whose gradients add up before ranks communicate
  ReducerOptions reducer;
  // For a GPU: takes forward and backward of one of the first steps, which are repeated from then
  // on if the objective is repeatable. Of one micro-batch, without bfloat16 on the wire. None:
  // every step is given kernel by kernel.
  std::function<std::unique_ptr<GpuRecording>()> make_recording;
};

/// What a configuration says of steps on `device`.
StepOptions step_options(const RunConfig& config, c10::Device device);

class Stepper {
 public:
  /// Collective. All must outlive this.
  Stepper(Objective& objective, Optimizer& optimizer, Communicator& comm,
          const StepOptions& options);

  /// Collective. @param stop  this rank was asked to stop
  StepResult run(const Batch& batch, const ScheduleValues& values, bool stop);

  /// Steps before the one that is recorded: libraries choose algorithms and find memory in them.
  static constexpr int64_t kStepsBeforeRecording = 3;

 private:
  double forward_and_backward(const Batch& batch, const ScheduleValues& values);
  void run_passes(const Batch& batch, const ScheduleValues& values);
  void repeat_recorded(const Batch& batch, const ScheduleValues& values);
  void add_pass(bool shares);
  [[nodiscard]] std::string find_nonfinite(double loss) const;

  Objective& objective_;
  Optimizer& optimizer_;
  Communicator& comm_;
  StepOptions options_;
  GradientReducer reducer_;
  at::Tensor loss_;    // float64 [], of the step under way, summed over its micro-batches
  int64_t steps_ = 0;  // that were run
  std::vector<at::Tensor> recorded_inputs_;
  int64_t recorded_bytes_ = 0;  // that the recorded ones give to other ranks
  // The first to go: NCCL does not end while recorded work of it is there.
  std::unique_ptr<GpuRecording> recording_;
};

}  // namespace spc
