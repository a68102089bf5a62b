// Self-distillation without labels: the student's view of a crop must tell what the teacher saw in
// another crop of the same utterance.
#pragma once

#include <memory>
#include <string>

#include "dist/communicator.h"
#include "loss/soft_targets.h"
#include "model/dino_head.h"
#include "model/spcnet.h"
#include "train/objective.h"
#include "train/precision.h"

namespace spc {

/// How the teacher's targets are computed and kept.
TargetFormat target_format(const TrainConfig& config, Precision precision, c10::Device device);

class DinoObjective : public Objective {
 public:
  /// Collective. @param device  of the networks   @param comm  must outlive this
  DinoObjective(const RunConfig& config, int64_t num_mel_bins, Precision precision,
                c10::Device device, Communicator& comm);

  [[nodiscard]] const std::vector<NamedTensor>& parameters() const override { return parameters_; }
  void load(const Batch& batch, RowRange rows, const ScheduleValues& values) override;
  at::Tensor loss() override;
  [[nodiscard]] bool repeatable() const override { return true; }
  [[nodiscard]] std::vector<at::Tensor> inputs() const override;
  void share() override;
  [[nodiscard]] Figures figures() const override;
  void before_update(const ScheduleValues& values) override;
  [[nodiscard]] Averages averages(const ScheduleValues& values) const override;
  void after_update(const ScheduleValues& values) override;
  void skip_update() override;
  [[nodiscard]] const TensorTable& state() const override { return state_; }
  [[nodiscard]] std::string network() const override { return "teacher"; }
  [[nodiscard]] const SpcNet& backbone() const override { return teacher_.backbone; }
  [[nodiscard]] double uniform_loss() const override;

 private:
  struct Network {
    SpcNet backbone;
    DinoHead head;
  };
  /// Where loss() finds a micro-batch: the same memory for any of as many rows.
  struct Loaded {
    at::Tensor global;        // [views x rows, T, F]
    at::Tensor local;         // undefined: no such views
    at::Tensor teacher_temp;  // [] float64
    RowRange rows;
  };
  RunConfig config_;
  int64_t num_mel_bins_;
  Precision precision_;
  at::TensorOptions storage_;  // of parameters and features
  Communicator& comm_;
  std::unique_ptr<Communicator> batch_norm_comm_;  // its messages never queue behind others
  Network student_;
  Network teacher_;
  at::Tensor center_;                           // [K]
  std::vector<NamedTensor> parameters_;         // of the student
  std::vector<at::Tensor> teacher_parameters_;  // in the same order
  TensorTable state_;
  Loaded loaded_;
  at::Tensor figures_;     // float64, of the step under way, summed over its micro-batches
  at::Tensor center_sum_;  // the same, and then being reduced
  std::unique_ptr<Work> center_work_;
};

}  // namespace spc
