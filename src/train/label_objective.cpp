#include "train/label_objective.h"

#include <ATen/ATen.h>
#include <c10/core/GradMode.h>

#include <cmath>
#include <utility>

#include "base/error.h"
#include "loss/aam_loss.h"
#include "train/objective_parts.h"

namespace spc {

struct LabelObjective::Outcome {
  at::Tensor classes;    // int64 [B]: the labels; where the networks are
  at::Tensor losses;     // float64 [B] on the CPU: with their labels
  at::Tensor trained;    // [B], differentiable: what is trained on; zero where dropped
  at::Tensor decisions;  // int64 [B] on the CPU
};

LabelObjective::LabelObjective(const RunConfig& config, int64_t num_mel_bins,
                               const TrainingLabels& labels, Precision precision,
                               c10::Device device, Communicator& comm, OnEpoch on_epoch)
    : config_(config),
      num_mel_bins_(num_mel_bins),
      class_of_utt_(labels.classes),
      num_classes_(static_cast<int64_t>(labels.names.size())),
      precision_(precision),
      storage_(at::TensorOptions(storage_type(precision)).device(device)),
      comm_(comm),
      batch_norm_comm_(config.train.sync_bn ? comm.duplicate() : nullptr),
      on_epoch_(std::move(on_epoch)),
      backbone_(config.model, num_mel_bins, static_cast<uint64_t>(config.train.seed), storage_),
      head_(num_classes_, config.model.embedding_dim, static_cast<uint64_t>(config.train.seed),
            storage_),
      ledger_(static_cast<int64_t>(labels.classes.size()), config.loss_gate,
              config.label_correction, config.aam.margin_warmup_epochs),
      sampler_(static_cast<int64_t>(labels.classes.size()),
               static_cast<uint64_t>(config.train.seed)) {
  TensorTable network;
  append("backbone.", backbone_.tensors(), network);
  append("head.", head_.tensors(), network);
  parameters_ = trainable(network);
  append("student.", network, state_);
  append("labels.", ledger_.state(), state_);
}

double LabelObjective::uniform_loss() const {
  return std::log(static_cast<double>(num_classes_));
}

void LabelObjective::load(const Batch& batch, RowRange rows, const ScheduleValues& values) {
  batch_ = &batch;
  rows_ = rows;
  margin_ = config_.aam.margin_at(values.epoch);
}

at::Tensor LabelObjective::loss() {
  const at::Tensor feats =
      views_tensor(batch_->global, 1, rows_, config_.views.global_frames, num_mel_bins_, storage_);
  at::Tensor embeddings;
  {
    const AutocastScope autocast(precision_, storage_.device());
    embeddings =
        backbone_.forward(feats, ForwardMode{true, batch_norm_comm_.get(),
                                             config_.train.fuses(!storage_.device().is_cpu())});
  }
  // In full precision: half would lose the differences between small losses.
  const at::Tensor cosines = head_.forward(embeddings);
  Outcome outcome = judge(cosines);
  correct(cosines, outcome);
  note(outcome);

  const auto batch_size = static_cast<double>(config_.train.batch_size);
  const auto share_of = [&](const at::Tensor& chosen) {
    return static_cast<double>(chosen.sum().item<int64_t>()) / batch_size;
  };
  const at::Tensor spread = direction_spread(embeddings.detach().to(at::kDouble));
  const Figures now{
      {"label_loss", outcome.losses.sum().item<double>() / batch_size},
      {"accuracy", share_of(cosines.argmax(1).eq(outcome.classes))},
      {"trusted", share_of(outcome.decisions.eq(kTrusted))},
      {"corrected", share_of(outcome.decisions.ge(0))},
      {"embedding_std", spread.item<double>() * static_cast<double>(rows_.size()) / batch_size}};
  if (rows_.begin == 0) {
    figures_ = now;
  } else {
    for (size_t i = 0; i < now.size(); ++i) figures_[i].second += now[i].second;
  }
  return outcome.trained.sum() / batch_size;
}

// A row is trained on with its label if the loss with it lies below the gate.
LabelObjective::Outcome LabelObjective::judge(const at::Tensor& cosines) const {
  std::vector<int64_t> classes;
  std::vector<double> thresholds;
  for (int64_t row = rows_.begin; row < rows_.end; ++row) {
    const Sampler::Place& place = batch_->places[static_cast<size_t>(row)];
    classes.push_back(class_of_utt_[static_cast<size_t>(place.utt)]);
    thresholds.push_back(ledger_.threshold_in(place.epoch));
  }
  Outcome outcome;
  outcome.classes = at::tensor(classes, at::kLong).to(storage_.device());
  const at::Tensor losses = aam_loss(cosines, outcome.classes, config_.aam.scale, margin_);
  outcome.losses = losses.detach().to(at::kDouble).cpu();
  std::vector<int64_t> decisions;
  for (size_t i = 0; i < thresholds.size(); ++i) {
    const double value = gate_value(outcome.losses.const_data_ptr<double>()[i]);
    decisions.push_back(value <= thresholds[i] ? kTrusted : kDropped);
  }
  outcome.decisions = at::tensor(decisions, at::kLong);
  const at::Tensor trusted = outcome.decisions.eq(kTrusted).to(storage_.device());
  outcome.trained = at::where(trusted, losses, at::zeros({}, losses.options()));
  return outcome;
}

// 1 for the rows that may be corrected: the first ones of all ranks' batch, in each epoch that it
// touches, so many that the cap holds even if all of them are.
std::vector<int64_t> LabelObjective::open_rows() const {
  const int64_t batch_size = config_.train.batch_size;
  const int64_t num_utts = sampler_.num_utts();
  const int64_t batch_begin = batch_->step * batch_size;
  const int64_t own = rows_of_rank(batch_size, comm_.rank(), comm_.world_size()).begin;
  std::vector<int64_t> open;
  for (int64_t row = rows_.begin; row < rows_.end; ++row) {
    const int64_t position = batch_begin + own + row;
    const int64_t epoch = position / num_utts;
    const int64_t begin = std::max(batch_begin, epoch * num_utts);
    const int64_t end = std::min(batch_begin + batch_size, (epoch + 1) * num_utts);
    const bool begins = begin == epoch * num_utts;
    open.push_back(position - begin < ledger_.corrections_left(epoch, end - begin, begins) ? 1 : 0);
  }
  return open;
}

// The prediction for the crop without augmentation takes the place of a label that is not trusted.
void LabelObjective::correct(const at::Tensor& cosines, Outcome& outcome) const {
  const LabelCorrectionConfig& correction = config_.label_correction;
  const at::Tensor open = at::tensor(open_rows(), at::kLong).ne(0);
  const at::Tensor asking = outcome.decisions.eq(kDropped).logical_and(open);
  if (!asking.any().item<bool>()) return;
  at::Tensor probabilities;
  {
    const c10::NoGradGuard no_grad;
    const at::Tensor clean =
        views_tensor(batch_->clean, 1, rows_, config_.views.global_frames, num_mel_bins_, storage_);
    at::Tensor embeddings;
    {
      const AutocastScope autocast(precision_, storage_.device());
      embeddings = backbone_.forward(clean, ForwardMode{});
    }
    probabilities = at::softmax(head_.forward(embeddings) * correction.scale, 1);
  }
  const auto [confidence, classes] = probabilities.max(1);
  const at::Tensor corrected =
      asking.to(storage_.device()).logical_and(confidence > correction.threshold);
  const at::Tensor losses = correction.type == "soft"
                                ? soft_label_loss(cosines, probabilities, config_.aam.scale)
                                : aam_loss(cosines, classes, config_.aam.scale, config_.aam.margin);
  outcome.trained = at::where(corrected, losses, outcome.trained);
  outcome.decisions = at::where(corrected.cpu(), classes.cpu(), outcome.decisions);
}

// Every rank keeps the ledger of all rows.
void LabelObjective::note(const Outcome& outcome) {
  const RowRange own = rows_of_rank(config_.train.batch_size, comm_.rank(), comm_.world_size());
  if (rows_.begin == 0) outcome_ = at::zeros({config_.train.batch_size, 2}, at::kDouble);
  const at::Tensor mine = outcome_.slice(0, own.begin + rows_.begin, own.begin + rows_.end);
  mine.select(1, 0).copy_(outcome.losses);
  mine.select(1, 1).copy_(outcome.decisions);
}

void LabelObjective::share() {
  outcome_work_ = comm_.all_reduce(outcome_, ReduceOp::kSum, "losses of the labels");
}

void LabelObjective::after_update(const ScheduleValues&) {
  absorb(true);
}

void LabelObjective::skip_update() {
  absorb(false);
}

// Rows of all ranks, in the order of training. A step that was skipped says nothing of its labels,
// but may be the last of an epoch.
void LabelObjective::absorb(bool updated) {
  outcome_work_->wait();
  const auto* rows = outcome_.const_data_ptr<double>();
  const int64_t batch_size = config_.train.batch_size;
  for (int64_t row = 0; row < batch_size; ++row) {
    const int64_t position = batch_->step * batch_size + row;
    const Sampler::Place place = sampler_.at(position);
    if (updated) ledger_.add(place.utt, rows[2 * row], static_cast<int64_t>(rows[2 * row + 1]));
    if ((position + 1) % sampler_.num_utts() != 0) continue;
    const LabelReport report = ledger_.end_epoch(place.epoch);
    comm_.broadcast(ledger_.threshold(), 0, "threshold of the gate");
    if (on_epoch_) on_epoch_(report, ledger_.state()[0].tensor, ledger_.state()[1].tensor);
  }
}

}  // namespace spc
