#include "train/progress.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>

#include "base/json.h"

namespace spc {
namespace {

std::string duration(double seconds) {
  std::array<char, 32> text{};
  if (seconds < 100) {
    std::snprintf(text.data(), text.size(), "%.0f s", seconds);
  } else if (seconds < 6000) {
    std::snprintf(text.data(), text.size(), "%.1f min", seconds / 60);
  } else {
    std::snprintf(text.data(), text.size(), "%.1f h", seconds / 3600);
  }
  return text.data();
}

// "slowest rank 3 x1.08  "; nothing where there is no other rank.
std::string describe(const SlowestRank& slowest) {
  if (slowest.rank < 0) return "";
  std::array<char, 48> text{};
  std::snprintf(text.data(), text.size(), "slowest rank %d x%.2f  ", slowest.rank, slowest.ratio);
  return text.data();
}

}  // namespace

void Progress::add(const StepResult& result, const StepTimes& times) {
  ++steps_;
  if (result.finite) {
    ++finite_steps_;
    loss_sum_ += result.loss;
    last_ = result;
  }
  data_seconds_ += times.data;
  waited_seconds_ += times.waited();
  reduce_seconds_ += result.reduce_seconds;
  update_seconds_ += result.update_seconds;
}

Progress::Report Progress::report(int64_t step, const ScheduleValues& values, int64_t skipped_steps,
                                  const SlowestRank& slowest) {
  const double seconds = since_report_.restart() - evaluation_seconds_;
  const double steps = steps_ > 0 ? static_cast<double>(steps_) : 1;
  const double rate = static_cast<double>(steps_ * batch_size_) / seconds;
  const double eta = static_cast<double>(end_step_ - step) * seconds / steps;
  const bool learned = finite_steps_ > 0;  // else there is nothing to say of the interval
  const double loss = learned ? loss_sum_ / static_cast<double>(finite_steps_) : std::nan("");
  Report report;
  std::array<char, 256> line{};
  std::snprintf(
      line.data(), line.size(),
      "step %lld/%lld  epoch %.2f  loss %.4f  lr %.3g  %.2f samples/s  data-wait %.1f %%  "
      "comm-wait %.1f %%  %sETA %s",
      static_cast<long long>(step), static_cast<long long>(end_step_), values.epoch, loss,
      values.lr, rate, 100 * data_seconds_ / seconds, 100 * waited_seconds_ / seconds,
      describe(slowest).c_str(), duration(eta).c_str());
  report.line = line.data();
  JsonObject json;
  json.set("step", step)
      .set("epoch", values.epoch)
      .set("samples", step * batch_size_)
      .set("loss", loss)
      .set("lr", values.lr);
  json.set("teacher_temp", values.teacher_temp)
      .set("momentum_teacher", values.momentum_teacher)
      .set("grad_norm", learned ? last_.grad_norm : std::nan(""));
  for (const auto& [name, value] : last_.figures) json.set(name, learned ? value : std::nan(""));
  if (last_.wire_error > 0) json.set("wire_error", last_.wire_error);
  json.set("samples_per_s", rate)
      .set("data_wait", data_seconds_ / seconds)
      .set("reduce_wait", reduce_seconds_ / seconds)
      .set("save_wait", save_seconds_ / seconds)
      .set("rank_wait", waited_seconds_ / seconds)
      .set("compute",
           std::max(0.0, 1 - (data_seconds_ + waited_seconds_ + save_seconds_ + update_seconds_) /
                                 seconds))
      .set("update", update_seconds_ / seconds);
  const int64_t page_faults = minor_page_faults();
  json.set("page_faults", static_cast<double>(page_faults - page_faults_) / steps);
  page_faults_ = page_faults;
  if (slowest.rank >= 0) json.set("slowest_rank", slowest.rank).set("slowest_ratio", slowest.ratio);
  json.set("eta_s", eta).set("skipped_steps", skipped_steps);
  report.json = json.str();
  steps_ = 0;
  finite_steps_ = 0;
  loss_sum_ = 0;
  data_seconds_ = 0;
  reduce_seconds_ = 0;
  waited_seconds_ = 0;
  update_seconds_ = 0;
  save_seconds_ = 0;
  evaluation_seconds_ = 0;
  return report;
}

}  // namespace spc
