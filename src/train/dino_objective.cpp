#include "train/dino_objective.h"

#include <ATen/ATen.h>
#include <c10/core/GradMode.h>

#include <cmath>

#include "base/error.h"
#include "loss/dino_loss.h"
#include "train/objective_parts.h"

namespace spc {

// In bf16 the gradient of the logits is rounded to it before anything else happens to it.
TargetFormat target_format(const TrainConfig& config, Precision precision, c10::Device device) {
  const bool fused = device.is_cpu() && config.fuses(false);
  return {fused, fused && precision == Precision::kBf16 ? at::kBFloat16 : storage_type(precision)};
}

DinoObjective::DinoObjective(const RunConfig& config, int64_t num_mel_bins, Precision precision,
                             c10::Device device, Communicator& comm)
    : config_(config),
      num_mel_bins_(num_mel_bins),
      precision_(precision),
      storage_(at::TensorOptions(storage_type(precision)).device(device)),
      comm_(comm),
      batch_norm_comm_(config.train.sync_bn ? comm.duplicate() : nullptr),
      student_{
          SpcNet(config.model, num_mel_bins, static_cast<uint64_t>(config.train.seed), storage_),
          DinoHead(config.head, config.model.embedding_dim,
                   static_cast<uint64_t>(config.train.seed), storage_)},
      teacher_{
          SpcNet(config.model, num_mel_bins, static_cast<uint64_t>(config.train.seed), storage_),
          DinoHead(config.head, config.model.embedding_dim,
                   static_cast<uint64_t>(config.train.seed), storage_)},
      center_(at::zeros({config.head.out_dim}, storage_)) {
  const auto join = [](const Network& network) {
    TensorTable table;
    append("backbone.", network.backbone.tensors(), table);
    append("head.", network.head.tensors(), table);
    return table;
  };
  const TensorTable student = join(student_);
  const TensorTable teacher = join(teacher_);
  for (const NamedTensor& each : teacher) {
    at::Tensor tensor = each.tensor;
    tensor.set_requires_grad(false);
  }
  parameters_ = trainable(student);
  const std::vector<NamedTensor> followers = trainable(teacher);
  teacher_parameters_.reserve(followers.size());
  for (const NamedTensor& each : followers) teacher_parameters_.push_back(each.tensor);
  append("student.", student, state_);
  append("teacher.", teacher, state_);
  state_.push_back({"center", center_, false});
  loaded_.teacher_temp = at::zeros({}, storage_.dtype(at::kDouble));
}

double DinoObjective::uniform_loss() const {
  return std::log(static_cast<double>(config_.head.out_dim));
}

void DinoObjective::load(const Batch& batch, RowRange rows, const ScheduleValues& values) {
  const ViewsConfig& views = config_.views;
  const auto put = [&](const std::vector<float>& feats, int64_t count, int64_t frames,
                       at::Tensor& place) {
    const at::Tensor now =
        views_tensor(feats, count, rows, frames, num_mel_bins_, storage_.device(c10::kCPU));
    if (!place.defined() || place.sizes() != now.sizes()) place = at::empty(now.sizes(), storage_);
    place.copy_(now);
  };
  put(batch.global, views.num_global, views.global_frames, loaded_.global);
  if (views.num_local > 0) put(batch.local, views.num_local, views.local_frames, loaded_.local);
  loaded_.teacher_temp.fill_(values.teacher_temp);
  loaded_.rows = rows;
}

at::Tensor DinoObjective::loss() {
  const ViewsConfig& views = config_.views;
  const ForwardMode mode{true, batch_norm_comm_.get(),
                         config_.train.fuses(!storage_.device().is_cpu())};
  at::Tensor teacher_embeddings;
  at::Tensor teacher_logits;
  at::Tensor student_logits;
  {
    const AutocastScope autocast(precision_, storage_.device());
    {
      // The teacher normalises by its own batch statistics too; its running ones are what
      // extraction uses.
      const c10::NoGradGuard no_grad;
      teacher_embeddings = teacher_.backbone.forward(loaded_.global, mode);
      teacher_logits = teacher_.head.forward(teacher_embeddings, mode);
    }
    // One pass per length: pooling and batch statistics differ between lengths.
    std::vector<at::Tensor> embeddings{student_.backbone.forward(loaded_.global, mode)};
    if (views.num_local > 0) embeddings.push_back(student_.backbone.forward(loaded_.local, mode));
    student_logits = student_.head.forward(at::cat(embeddings, 0), mode);
  }
  DinoLossOptions options;
  options.num_global_views = views.num_global;
  options.num_views = views.num_global + views.num_local;
  options.student_temp = config_.dino.student_temp;
  options.global_utterances = config_.train.batch_size;
  options.targets = target_format(config_.train, precision_, storage_.device());
  const DinoLossResult result =
      dino_loss(student_logits, teacher_logits, center_, loaded_.teacher_temp, options);
  const double share =
      static_cast<double>(loaded_.rows.size()) / static_cast<double>(config_.train.batch_size);
  std::vector<at::Tensor> figures{result.teacher_entropy,
                                  result.marginal_entropy,
                                  result.kl,
                                  result.logit_std,
                                  result.prototypes_used,
                                  center_.norm() * share,
                                  direction_spread(teacher_embeddings.to(at::kDouble)) * share};
  for (at::Tensor& figure : figures) figure = figure.to(at::kDouble);
  if (loaded_.rows.begin == 0) {
    center_sum_ = result.center_sum.contiguous();
    figures_ = at::stack(figures);
  } else {
    center_sum_.add_(result.center_sum);
    figures_.add_(at::stack(figures));
  }
  return result.loss;
}

std::vector<at::Tensor> DinoObjective::inputs() const {
  std::vector<at::Tensor> inputs{loaded_.global, loaded_.teacher_temp};
  if (loaded_.local.defined()) inputs.push_back(loaded_.local);
  return inputs;
}

// It is used from the next step on.
void DinoObjective::share() {
  center_work_ = comm_.all_reduce(center_sum_, ReduceOp::kSum, "centre");
}

Figures DinoObjective::figures() const {
  const at::Tensor values = figures_.cpu();
  Figures named;
  for (const char* name : {"teacher_entropy", "marginal_entropy", "kl", "logit_std",
                           "prototypes_used", "center_norm", "embedding_std"})
    named.emplace_back(name, values[static_cast<int64_t>(named.size())].item<double>());
  return named;
}

void DinoObjective::before_update(const ScheduleValues& values) {
  if (!values.freeze_last_layer) return;
  for (const NamedTensor& each : parameters_) {
    // No gradient at all: with a zero one, momentum and weight decay would still move the
    // prototypes.
    if (each.name == std::string("head.") + DinoHead::kLastLayer)
      each.tensor.mutable_grad().reset();
  }
}

Averages DinoObjective::averages(const ScheduleValues& values) const {
  return {teacher_parameters_, values.momentum_teacher};
}

void DinoObjective::after_update(const ScheduleValues& /*values*/) {
  const c10::NoGradGuard no_grad;
  center_work_->wait();
  const auto teacher_rows =
      static_cast<double>(config_.views.num_global * config_.train.batch_size);
  center_.mul_(config_.dino.center_momentum)
      .add_(center_sum_, (1 - config_.dino.center_momentum) / teacher_rows);
}

void DinoObjective::skip_update() {
  center_work_->wait();
}

}  // namespace spc
