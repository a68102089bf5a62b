// Training on labels, true ones or pseudo labels: AAM-softmax; labels with a large loss are gated
// out, and may be replaced by what the network says of the clean crop.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "loader/sampler.h"
#include "model/aam_head.h"
#include "model/spcnet.h"
#include "train/label_ledger.h"
#include "train/objective.h"
#include "train/precision.h"
#include "train/training_labels.h"

namespace spc {

class LabelObjective : public Objective {
 public:
  /// Is told of every epoch when its last step is done. @param losses  float32 [U], of each
  /// utterance with its label; NaN: unknown   @param decisions  int64 [U]
  using OnEpoch = std::function<void(const LabelReport& report, const at::Tensor& losses,
                                     const at::Tensor& decisions)>;

  /// Collective. @param device  of the networks   @param on_epoch  may be empty   @param comm  must
  /// outlive this
  LabelObjective(const RunConfig& config, int64_t num_mel_bins, const TrainingLabels& labels,
                 Precision precision, c10::Device device, Communicator& comm, OnEpoch on_epoch);

  [[nodiscard]] const std::vector<NamedTensor>& parameters() const override { return parameters_; }
  void load(const Batch& batch, RowRange rows, const ScheduleValues& values) override;
  at::Tensor loss() override;
  /// The gate decides from losses on the CPU what is trained on.
  [[nodiscard]] bool repeatable() const override { return false; }
  void share() override;
  [[nodiscard]] Figures figures() const override { return figures_; }
  void before_update(const ScheduleValues&) override {}
  void after_update(const ScheduleValues& values) override;
  void skip_update() override;
  [[nodiscard]] const TensorTable& state() const override { return state_; }
  [[nodiscard]] std::string network() const override { return "student"; }
  [[nodiscard]] const SpcNet& backbone() const override { return backbone_; }
  [[nodiscard]] double uniform_loss() const override;

 private:
  struct Outcome;  // of a micro-batch: what each row is trained on
  [[nodiscard]] Outcome judge(const at::Tensor& cosines) const;
  [[nodiscard]] std::vector<int64_t> open_rows() const;
  void correct(const at::Tensor& cosines, Outcome& outcome) const;
  void note(const Outcome& outcome);
  void absorb(bool updated);

  RunConfig config_;
  int64_t num_mel_bins_;
  std::vector<int64_t> class_of_utt_;
  int64_t num_classes_;
  Precision precision_;
  at::TensorOptions storage_;  // of parameters and features
  Communicator& comm_;
  std::unique_ptr<Communicator> batch_norm_comm_;  // its messages never queue behind others
  OnEpoch on_epoch_;
  SpcNet backbone_;
  AamHead head_;
  LabelLedger ledger_;
  Sampler sampler_;
  std::vector<NamedTensor> parameters_;
  TensorTable state_;
  const Batch* batch_ = nullptr;  // of the step under way
  RowRange rows_;                 // of the micro-batch
  double margin_ = 0;
  Figures figures_;
  at::Tensor outcome_;  // float64 [batch, 2]: loss and decision of every row of all ranks
  std::unique_ptr<Work> outcome_work_;
};

}  // namespace spc
