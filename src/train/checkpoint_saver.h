// Saving while training goes on: the state is copied, and a thread writes the copy.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <future>
#include <string>

#include "train/checkpoint.h"
#include "train/config.h"

namespace spc {

/// Rank 0's alone. One file is under way at most.
class CheckpointSaver {
 public:
  /// Told of each save from the thread that writes: seconds, bytes, whether it is on the disk.
  using OnWritten = std::function<void(double, int64_t, bool)>;

  /// @param step  of the run's newest checkpoint, -1: none
  CheckpointSaver(std::filesystem::path run, const CheckpointConfig& config, int64_t step,
                  OnWritten on_written = nullptr);
  /// Waits for the file under way.
  ~CheckpointSaver();
  CheckpointSaver(const CheckpointSaver&) = delete;
  CheckpointSaver& operator=(const CheckpointSaver&) = delete;

  /// Copies the state and returns; waits first if the last one is still being written. What is
  /// older than config says is deleted afterwards. A file that cannot be written is reported in the
  /// log, nothing else: training goes on, older checkpoints stay. Nothing to do when the newest
  /// checkpoint is of this step.
  void save(const TensorTable& state, const CheckpointInfo& info);
  /// Likewise RUN/checkpoints/best.h5. It becomes another name of the newest checkpoint, if that is
  /// of this step.
  void save_best(const TensorTable& state, const CheckpointInfo& info);
  /// Of the last best.h5 that is on the disk by save_best(), -1: none. Waits for the file under
  /// way.
  int64_t best_step();
  /// Waits until the last save() is on the disk. @throws Error  it is not
  void finish();

 private:
  void start(const TensorTable& state, const CheckpointInfo& info, bool best);
  std::string write(const CheckpointInfo& info, bool best);
  std::string try_write(const CheckpointInfo& info, bool best);
  void settle();

  std::filesystem::path run_;
  CheckpointConfig config_;
  OnWritten on_written_;
  int64_t saved_step_;
  int64_t best_step_ = -1;
  TensorTable copy_;
  std::string problem_;               // of the last save()
  std::future<std::string> writing_;  // the problem of the file under way
  int64_t writing_step_ = -1;
  bool writing_best_ = false;
};

}  // namespace spc
