// What rank 0 tells of a run while it goes on: progress, collapse, ranks that hold the others up.
#pragma once

#include <cstdint>

#include "base/clock.h"
#include "dist/watchdog.h"
#include "train/collapse_monitor.h"
#include "train/evaluation.h"
#include "train/progress.h"
#include "train/run_folder.h"
#include "train/schedule.h"

namespace spc {

class Reporter {
 public:
  /// Folder, schedule and watchdog must outlive this. @param uniform_loss  ln K
  Reporter(RunFolder& folder, const Schedule& schedule, const Watchdog& watchdog,
           const RunConfig& config, double uniform_loss, int64_t end_step);

  /// After each step. @param step  steps done    @param times  rank 0's
  /// @param skipped  steps of this process that were not finite
  void add(int64_t step, const StepResult& result, const StepTimes& times, int64_t skipped);
  /// After each checkpoint. @param seconds  that training stood still for it
  void add_save(double seconds) { progress_.add_save(seconds); }
  /// After each evaluation: what it found, and how long training stood still for it.
  void add_evaluation(const std::vector<EvalResult>& results, int64_t step, double seconds);

 private:
  void watch_for_collapse(double epoch, const StepResult& result);
  void watch_for_stragglers();

  RunFolder& folder_;
  const Schedule& schedule_;
  const Watchdog& watchdog_;
  int64_t batch_size_;
  int64_t end_step_;
  double straggler_s_;
  Progress progress_;
  CollapseMonitor collapse_;
  int straggler_ = -1;
  bool straggler_named_ = false;
  Stopwatch since_straggler_;
};

}  // namespace spc
