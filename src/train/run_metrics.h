// What a training run tells the metrics of its rank.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "dist/communicator.h"
#include "loader/loader.h"
#include "metrics/metrics.h"
#include "train/config.h"
#include "train/evaluation.h"
#include "train/label_ledger.h"
#include "train/schedule.h"
#include "train/step.h"

namespace spc {

class RunMetrics {
 public:
  /// @param metrics  must outlive this; null: nothing is told
  RunMetrics(Metrics* metrics, const RunConfig& config, c10::Device device,
             const Communicator& comm);

  /// @param stage  the run folder's name   @param step  that it begins or goes on with
  /// @param uniform_loss  ln K
  void begin(const std::string& stage, const std::string& precision, int64_t step, int64_t end_step,
             double uniform_loss);
  /// @param step  steps done   @param values  those it was made with
  void add_step(int64_t step, const Batch& batch, const StepResult& result,
                const ScheduleValues& values, const StepTimes& times);
  /// @param losses  float32 [U]; NaN: unknown
  void add_labels(const LabelReport& report, const at::Tensor& losses);
  /// A checkpoint that training stood still for.
  void add_save(double seconds);
  /// A checkpoint that is on the disk, or is not. From any thread.
  void add_written(double seconds, int64_t bytes, bool good);
  /// The best rates of a run that goes on.
  void take_over(const EvalHistory& history) { best_eer_ = history.best_eer; }
  void begin_evaluation();
  /// @param results  none when it was stopped
  void end_evaluation(const std::vector<EvalResult>& results, int64_t step, double seconds);
  void add_loading(Loader& loader, const ShardSet& shards);

 private:
  void add_objective(const StepResult& result, const ScheduleValues& values);

  Metrics* metrics_;
  const RunConfig& config_;
  c10::Device device_;
  const Communicator& comm_;
  double waited_ = 0;  // of what was told
  int64_t waits_ = 0;
  int64_t bytes_sent_ = 0;
  int64_t bytes_read_ = 0;
  double read_seconds_ = 0;
  double work_seconds_ = 0;
  std::map<std::string, double> best_eer_;  // by the list's name
};

}  // namespace spc
