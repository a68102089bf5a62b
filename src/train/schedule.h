// Every quantity that changes during training, as a pure function of the utterances seen so far by
// all ranks together. Counting utterances, not steps, makes a schedule mean the same for any number
// of ranks and any batch size.
#pragma once

#include <cstdint>

#include "train/config.h"

namespace spc {

struct ScheduleValues {
  double epoch = 0;  // with its fraction
  double lr = 0;
  double teacher_temp = 0;
  double momentum_teacher = 0;
  bool freeze_last_layer = false;
};

class Schedule {
 public:
  /// @param num_utts N, utterances of an epoch
  Schedule(const RunConfig& config, int64_t num_utts);
  [[nodiscard]] ScheduleValues at(int64_t utterances) const;

  /// Steps of the whole run: the last one completes the last epoch.
  [[nodiscard]] int64_t total_steps() const { return total_steps_; }
  [[nodiscard]] double peak_lr() const { return peak_lr_; }
  [[nodiscard]] double final_lr() const { return final_lr_; }

 private:
  OptimConfig optim_;
  DinoConfig dino_;
  double num_utts_;
  double total_utterances_;
  int64_t total_steps_;
  double peak_lr_;
  double final_lr_;
};

/// The step after which a run ends: that of its schedule, or train.max_steps.
int64_t last_step(const RunConfig& config, int64_t num_utts);

}  // namespace spc
