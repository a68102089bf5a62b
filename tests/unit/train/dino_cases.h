// A small DINO run by formula, the same as in tests/reference/dino_step.py: weights, features, and
// what is set in each step.
#pragma once

#include <ATen/ATen.h>
#include <ATen/Parallel.h>

#include <functional>
#include <memory>
#include <vector>

#include "dist/thread_communicator.h"
#include "train/dino_objective.h"
#include "train/step.h"
#include "unit/model/formula.h"
#include "unit/train/tensors.h"

namespace spc {

inline constexpr int64_t kDinoBins = 16;

inline RunConfig dino_config(int64_t batch_size = 4) {
  RunConfig config;
  config.model.channels = 8;
  config.model.blocks = "1,1,1,1";
  config.model.pooling_hidden = 8;
  config.model.embedding_dim = 8;
  config.head.out_dim = 16;
  config.head.hidden_dim = 16;
  config.head.bottleneck_dim = 6;
  config.views = {.num_global = 2, .global_frames = 40, .num_local = 2, .local_frames = 24};
  config.dino.student_temp = 0.1;
  config.dino.center_momentum = 0.9;
  config.optim.momentum = 0.9;
  config.optim.weight_decay = 0.05;
  config.optim.clip_norm = 0.05;
  config.train.batch_size = batch_size;
  return config;
}

inline ScheduleValues dino_values(int step) {
  ScheduleValues values;
  values.lr = 0.02 * (step + 1);
  values.teacher_temp = 0.04 + 0.01 * step;
  values.momentum_teacher = 0.9 + 0.01 * step;
  values.freeze_last_layer = step < 2;
  return values;
}

/// The rows [begin, end) of the step's batch; every value is a float32 number exactly.
inline Batch dino_batch(const RunConfig& config, int step, int64_t begin, int64_t end) {
  const auto features = [&](int64_t views, int64_t frames, int64_t kind) {
    const int64_t row_size = frames * kDinoBins;
    std::vector<float> values;
    for (int64_t view = 0; view < views; ++view) {
      for (int64_t i = (view * config.train.batch_size + begin) * row_size;
           i < (view * config.train.batch_size + end) * row_size; ++i) {
        values.push_back(
            static_cast<float>((31 * i * i + 7919 * i + 104729 * step + 1299709 * kind) % 2039) /
                512 -
            2);
      }
    }
    return values;
  };
  Batch batch;
  batch.step = step;
  batch.global = features(config.views.num_global, config.views.global_frames, 0);
  batch.local = features(config.views.num_local, config.views.local_frames, 1);
  batch.places.resize(static_cast<size_t>(end - begin));
  return batch;
}

/// One rank's part of a run.
class Learner {
 public:
  using ChangeOptions = std::function<void(const Objective&, StepOptions&)>;
  explicit Learner(Communicator& comm, const RunConfig& config = dino_config(),
                   Precision precision = Precision::kFp64, const ChangeOptions& change_options = {})
      : config_(config), comm_(comm), objective_(config, kDinoBins, precision, c10::kCPU, comm) {
    at::set_num_threads(1);  // of this rank's thread: ranks have cores of their own
    fill_by_formula(objective_.state());
    optimizer_ = make_optimizer(config.optim, objective_.parameters());
    StepOptions options = step_options(config, c10::kCPU);
    if (change_options) change_options(objective_, options);
    stepper_ = std::make_unique<Stepper>(objective_, *optimizer_, comm, options);
  }

  /// This rank's rows of the step's batch.
  [[nodiscard]] Batch batch(int step) const {
    const RowRange rows = rows_of_rank(config_.train.batch_size, comm_.rank(), comm_.world_size());
    return dino_batch(config_, step, rows.begin, rows.end);
  }
  StepResult run(const Batch& batch, const ScheduleValues& values, bool stop = false) {
    return stepper_->run(batch, values, stop);
  }
  StepResult run(int step) { return run(batch(step), dino_values(step)); }

  DinoObjective& objective() { return objective_; }
  [[nodiscard]] TensorTable optimizer_state() const { return optimizer_->state(); }
  [[nodiscard]] const at::Tensor& tensor(const std::string& name) const {
    return tensor_named(objective_.state(), name);
  }
  /// What training is about: everything but the running statistics.
  [[nodiscard]] TensorTable learned() const {
    TensorTable table = optimizer_->state();
    for (const NamedTensor& each : objective_.state()) {
      if (each.name.find("running_") == std::string::npos) table.push_back(each);
    }
    return table;
  }

 private:
  RunConfig config_;
  Communicator& comm_;
  DinoObjective objective_;
  std::unique_ptr<Optimizer> optimizer_;
  std::unique_ptr<Stepper> stepper_;
};

inline double figure(const StepResult& result, const std::string& name) {
  for (const auto& [key, value] : result.figures) {
    if (key == name) return value;
  }
  throw std::out_of_range("no figure " + name);
}

}  // namespace spc
