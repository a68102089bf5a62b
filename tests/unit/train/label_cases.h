// A small run on labels: twelve utterances of three classes, features by formula.
#pragma once

#include <ATen/ATen.h>
#include <ATen/Parallel.h>

#include <memory>
#include <vector>

#include "dist/thread_communicator.h"
#include "train/label_objective.h"
#include "train/step.h"
#include "unit/model/formula.h"
#include "unit/train/tensors.h"

namespace spc {

inline constexpr int64_t kLabelBins = 16;
inline constexpr int64_t kLabelUtts = 12;

inline RunConfig label_config(int64_t batch_size = 5) {
  RunConfig config;
  config.model.channels = 8;
  config.model.blocks = "1,1,1,1";
  config.model.pooling_hidden = 8;
  config.model.embedding_dim = 8;
  config.views = {.num_global = 1, .global_frames = 24, .num_local = 0};
  config.views.clean = true;
  config.optim.clip_norm = 0.05;
  config.train.objective = "pseudo_label";
  config.train.batch_size = batch_size;
  config.aam.scale = 8;
  return config;
}

inline TrainingLabels three_classes() {
  TrainingLabels labels;
  labels.names = {"a", "b", "c"};
  for (int64_t utt = 0; utt < kLabelUtts; ++utt) labels.classes.push_back(utt % 3);
  return labels;
}

/// One rank's part of a run.
class LabelLearner {
 public:
  explicit LabelLearner(Communicator& comm, const RunConfig& config = label_config(),
                        const LabelObjective::OnEpoch& on_epoch = {})
      : config_(config),
        comm_(comm),
        sampler_(kLabelUtts, static_cast<uint64_t>(config.train.seed)),
        objective_(config, kLabelBins, three_classes(), Precision::kFp64, c10::kCPU, comm,
                   on_epoch) {
    at::set_num_threads(1);  // of this rank's thread: ranks have cores of their own
    TensorTable network;
    for (const NamedTensor& each : objective_.state())
      if (each.name.starts_with("student.")) network.push_back(each);
    fill_by_formula(network);
    optimizer_ = make_optimizer(config.optim, objective_.parameters());
    StepOptions options;
    options.clip_norm = config.optim.clip_norm;
    options.accumulate = config.train.accumulate;
    stepper_ = std::make_unique<Stepper>(objective_, *optimizer_, comm, options);
  }

  /// This rank's rows of the step's batch.
  Batch batch(int step) {
    const RowRange rows = rows_of_rank(config_.train.batch_size, comm_.rank(), comm_.world_size());
    Batch batch;
    batch.step = step;
    for (int64_t row = rows.begin; row < rows.end; ++row) {
      const Sampler::Place place = sampler_.at(step * config_.train.batch_size + row);
      batch.places.push_back(place);
      const int64_t size = config_.views.global_frames * kLabelBins;
      for (int64_t i = 0; i < size; ++i) {
        const auto value =
            static_cast<float>((31 * i * i + 7919 * (i + place.utt)) % 2039) / 512 - 2;
        batch.clean.push_back(value);
        batch.global.push_back(value + static_cast<float>((place.epoch + i) % 5) / 8);
      }
    }
    return batch;
  }
  StepResult run(int step) {
    ScheduleValues values;
    values.lr = 0.05;
    values.epoch = static_cast<double>(step * config_.train.batch_size) / kLabelUtts;
    return stepper_->run(batch(step), values, false);
  }

  LabelObjective& objective() { return objective_; }
  [[nodiscard]] const at::Tensor& tensor(const std::string& name) const {
    return tensor_named(objective_.state(), name);
  }

 private:
  RunConfig config_;
  Communicator& comm_;
  Sampler sampler_;
  LabelObjective objective_;
  std::unique_ptr<Optimizer> optimizer_;
  std::unique_ptr<Stepper> stepper_;
};

}  // namespace spc
