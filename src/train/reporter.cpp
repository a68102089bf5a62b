#include "train/reporter.h"

#include <algorithm>
#include <iomanip>

#include "base/log.h"

namespace spc {
namespace {

constexpr double kStragglerFactor = 1.5;

}  // namespace

Reporter::Reporter(RunFolder& folder, const Schedule& schedule, const Watchdog& watchdog,
                   const RunConfig& config, double uniform_loss, int64_t end_step)
    : folder_(folder),
      schedule_(schedule),
      watchdog_(watchdog),
      batch_size_(config.train.batch_size),
      end_step_(end_step),
      straggler_s_(config.dist.straggler_s),
      progress_(config.log.every_seconds, config.train.batch_size, end_step),
      collapse_(uniform_loss,
                std::max(config.optim.warmup_epochs, config.dino.warmup_teacher_temp_epochs)) {}

void Reporter::add(int64_t step, const StepResult& result, const StepTimes& times,
                   int64_t skipped) {
  progress_.add(result, times);
  watch_for_collapse(schedule_.at((step - 1) * batch_size_).epoch, result);
  watch_for_stragglers();
  if (!progress_.due() && step != end_step_ && !result.stop) return;
  const Progress::Report report = progress_.report(step, schedule_.at(step * batch_size_), skipped,
                                                   find_slowest(watchdog_.positions()));
  log_progress(report.line);
  folder_.log_json(report.json);
}

void Reporter::add_evaluation(const std::vector<EvalResult>& results, int64_t step,
                              double seconds) {
  progress_.add_evaluation(seconds);
  std::string line;
  for (const EvalResult& result : results)
    line += concat(line.empty() ? "" : ", ", std::fixed, std::setprecision(2), 100 * result.eer,
                   " % on ", result.name);
  log_info(concat("step ", step, ": equal error rate ", line));
  folder_.log_json(to_json(results, step, step * batch_size_, seconds));
}

void Reporter::watch_for_collapse(double epoch, const StepResult& result) {
  const auto entropy = std::find_if(result.figures.begin(), result.figures.end(),
                                    [](const auto& m) { return m.first == "teacher_entropy"; });
  if (entropy == result.figures.end() || !result.finite) return;
  const std::string warning = collapse_.add(epoch, result.loss, entropy->second);
  if (!warning.empty()) log_warning(warning);
}

void Reporter::watch_for_stragglers() {
  if (straggler_s_ == 0) return;
  const Straggler found = find_straggler(watchdog_.positions(), kStragglerFactor);
  if (found.rank != straggler_) {
    straggler_ = found.rank;
    straggler_named_ = false;
    since_straggler_.restart();
  }
  if (straggler_ < 0 || straggler_named_ || since_straggler_.seconds() < straggler_s_) return;
  straggler_named_ = true;
  log_warning(found.text + "; every step waits for it");
}

}  // namespace spc
