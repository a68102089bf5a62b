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
  /// log, nothing else: training goes on, older checkpoints stay. Nothing to write when the newest
  /// checkpoint is of this step.
  /// @param best  RUN/checkpoints/best.h5 is written instead, or becomes another name of the newest
  /// checkpoint, if that is of this step
  void save(const TensorTable& state, const CheckpointInfo& info, bool best = false);
  /// Waits until the last save is on the disk. @throws Error  it is not
  void finish();

 private:
  [[nodiscard]] std::filesystem::path path_of(const CheckpointInfo& info, bool best) const;
  std::string write(const CheckpointInfo& info, bool best);
  std::string try_write(const CheckpointInfo& info, bool best);
  void settle();

  std::filesystem::path run_;
  CheckpointConfig config_;
  OnWritten on_written_;
  int64_t saved_step_;
  int64_t asked_step_ = -1;  // what saved_step_ is when the file under way is written
  TensorTable copy_;
  std::string problem_;               // of the last save
  std::future<std::string> writing_;  // its problem
};

}  // namespace spc
