// The loop: load, step, report, save, stop. One loop for every objective.
#pragma once

#include <algorithm>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "dist/watchdog.h"
#include "train/best_network.h"
#include "train/checkpoint_saver.h"
#include "train/evaluation.h"
#include "train/objective.h"
#include "train/optimizer.h"
#include "train/precision.h"
#include "train/reporter.h"
#include "train/run_folder.h"
#include "train/run_metrics.h"
#include "train/schedule.h"
#include "train/step.h"
#include "train/training.h"
#include "train/training_labels.h"

namespace spc {

/// One rank's part of a run.
class Trainer {
 public:
  /// Opens the data, starts or takes over the run. Collective. @param device  what this rank
  /// computes on; `comm` takes tensors on it   @param comm, watchdog  must outlive this
  /// @param metrics  of this rank, or null
  Trainer(const TrainArguments& arguments, c10::Device device, Communicator& comm,
          Watchdog& watchdog, Metrics* metrics);

  /// To the end, or until it is asked to stop. Collective.
  TrainEnd run();

 private:
  void take_over_or_start();
  void load_or_init();
  [[nodiscard]] std::unique_ptr<Objective> make_objective();
  void describe();
  [[nodiscard]] bool ready_to_save();
  [[nodiscard]] CheckpointInfo checkpoint_info();
  void save();
  void evaluate(Reporter* reporter);
  void keep_best(const std::optional<std::vector<EvalResult>>& results);
  [[nodiscard]] bool evaluation_due() const;
  void compare_with_other_ranks();
  [[nodiscard]] TensorTable state() const;
  [[nodiscard]] std::string next_batch(int64_t step) {
    return next_batch_hash(shards_, order_, step, config_.train.batch_size);
  }
  void note_nonfinite(const StepResult& result);
  [[nodiscard]] int64_t end_step() const {
    return last_step(config_, static_cast<int64_t>(shards_.utts().size()));
  }

  const TrainArguments& arguments_;
  RunConfig config_;
  c10::Device device_;
  Communicator& comm_;
  Watchdog& watchdog_;
  RunMetrics metrics_;
  ShardSet shards_;
  std::optional<ShardSet> noise_;
  std::optional<TrainingLabels> labels_;
  Sampler order_;  // rank 0's looks ahead in it when saving
  std::vector<TrialList> lists_;
  std::optional<Evaluation> evaluation_;
  std::string data_;  // fingerprint of the utterances
  Schedule schedule_;
  std::optional<RunFolder> folder_;  // rank 0
  std::optional<TensorFile> saved_;  // rank 0
  Precision precision_ = Precision::kFp32;
  std::unique_ptr<Objective> objective_;
  std::unique_ptr<Optimizer> optimizer_;
  int64_t step_ = 0;                      // done
  std::optional<CheckpointSaver> saver_;  // rank 0
  int64_t compared_step_ = -1;
  int64_t evaluated_step_ = -1;
  BestNetwork best_;  // rank 0's
  int64_t skipped_ = 0;
  int64_t skipped_in_a_row_ = 0;
};

}  // namespace spc
