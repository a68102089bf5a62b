// What a run says while it runs: a line on the screen and a line of JSON every few seconds.
#pragma once

#include <cstdint>
#include <string>

#include "base/clock.h"
#include "base/process.h"
#include "dist/positions.h"
#include "train/schedule.h"
#include "train/step.h"

namespace spc {

class Progress {
 public:
  Progress(double every_seconds, int64_t batch_size, int64_t end_step)
      : every_seconds_(every_seconds), batch_size_(batch_size), end_step_(end_step) {}

  /// Takes in one step.
  void add(const StepResult& result, const StepTimes& times);
  /// Takes in that training stood still for so long while a checkpoint was copied.
  void add_save(double seconds) { save_seconds_ += seconds; }
  /// Takes in that training stood still for an evaluation, which is left out of the speed.
  void add_evaluation(double seconds) { evaluation_seconds_ += seconds; }
  /// True when it is time to speak: call report() then.
  [[nodiscard]] bool due() const { return since_report_.seconds() >= every_seconds_; }

  struct Report {
    std::string line;
    std::string json;
  };
  /// Means over the steps since the last report; starts a new interval.
  Report report(int64_t step, const ScheduleValues& values, int64_t skipped_steps,
                const SlowestRank& slowest = {});

 private:
  double every_seconds_;
  int64_t batch_size_;
  int64_t end_step_;
  Stopwatch since_report_;
  int64_t steps_ = 0;
  int64_t finite_steps_ = 0;
  double loss_sum_ = 0;
  double data_seconds_ = 0;
  double reduce_seconds_ = 0;
  double waited_seconds_ = 0;  // for other ranks, all in all
  double update_seconds_ = 0;
  double save_seconds_ = 0;
  double evaluation_seconds_ = 0;
  int64_t page_faults_ = minor_page_faults();  // until the interval's begin
  StepResult last_;  // that was finite
};

}  // namespace spc
