#include "train/schedule.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace spc {
namespace {

// `from` at fraction 0, `to` at 1, along half a cosine.
double cosine(double from, double to, double fraction) {
  return to + 0.5 * (from - to) * (1 + std::cos(std::numbers::pi * std::clamp(fraction, 0.0, 1.0)));
}

}  // namespace

Schedule::Schedule(const RunConfig& config, int64_t num_utts)
    : optim_(config.optim),
      dino_(config.dino),
      num_utts_(static_cast<double>(num_utts)),
      total_utterances_(std::max(1.0, std::round(static_cast<double>(num_utts) *
                                                 config.train.epochs))),  // 100 x 1.1 is 110
      total_steps_(std::llround(
          std::ceil(total_utterances_ / static_cast<double>(config.train.batch_size)))) {
  const double scale = optim_.scale_lr ? static_cast<double>(config.train.batch_size) / 256 : 1;
  peak_lr_ = optim_.lr * scale;
  final_lr_ = optim_.min_lr * scale;
}

ScheduleValues Schedule::at(int64_t utterances) const {
  const auto seen = static_cast<double>(utterances);
  ScheduleValues values;
  values.epoch = seen / num_utts_;
  const double warmup = optim_.warmup_epochs * num_utts_;
  if (seen < warmup) {
    values.lr = peak_lr_ * seen / warmup;
  } else if (optim_.schedule == "exponential") {
    values.lr =
        std::max(final_lr_, peak_lr_ * std::pow(optim_.epoch_decay, (seen - warmup) / num_utts_));
  } else {
    values.lr =
        cosine(peak_lr_, final_lr_, (seen - warmup) / std::max(1.0, total_utterances_ - warmup));
  }
  const double heated = dino_.warmup_teacher_temp_epochs > 0
                            ? std::min(1.0, values.epoch / dino_.warmup_teacher_temp_epochs)
                            : 1.0;
  values.teacher_temp =
      dino_.warmup_teacher_temp + (dino_.teacher_temp - dino_.warmup_teacher_temp) * heated;
  values.momentum_teacher =
      cosine(dino_.momentum_teacher, dino_.final_momentum_teacher, seen / total_utterances_);
  values.freeze_last_layer = values.epoch < dino_.freeze_last_layer_epochs;
  return values;
}

int64_t last_step(const RunConfig& config, int64_t num_utts) {
  const int64_t total = Schedule(config, num_utts).total_steps();
  return config.train.max_steps > 0 ? std::min(total, config.train.max_steps) : total;
}

}  // namespace spc
