#include "train/run_metrics.h"

#include <algorithm>
#include <cstdlib>
#include <limits>

#include "base/clock.h"
#include "dist/device.h"
#include "train/label_report.h"

namespace spc {
namespace {

constexpr double kFrameSeconds = 0.01;

}  // namespace

RunMetrics::RunMetrics(Metrics* metrics, const RunConfig& config, c10::Device device,
                       const Communicator& comm)
    : metrics_(metrics),
      config_(config),
      device_(device),
      comm_(comm),
      waited_(comm.waits()->seconds_of_this_thread()),
      waits_(comm.waits()->num_ended()),
      bytes_sent_(comm.waits()->bytes()) {}

void RunMetrics::begin(const std::string& stage, const std::string& precision, int64_t step,
                       int64_t end_step, double uniform_loss) {
  if (metrics_ == nullptr) return;
  metrics_->set_state("spcnet_run_state", "train");
  const char* job = std::getenv("SLURM_JOB_ID");
  metrics_->set_info("spcnet_run_info",
                     {stage, config_.train.objective, precision,
                      c10::DeviceTypeName(device_.type(), true), job == nullptr ? "" : job});
  // What the stage before was about, and this one is not yet.
  for (const GaugeName& name : {GaugeName("spcnet_ssl_teacher_entropy_nats"),
                                GaugeName("spcnet_ssl_teacher_marginal_entropy_nats"),
                                GaugeName("spcnet_ssl_kl_nats"),
                                GaugeName("spcnet_ssl_center_norm"),
                                GaugeName("spcnet_ssl_ema_momentum"),
                                GaugeName("spcnet_ssl_temperature"),
                                GaugeName("spcnet_train_accuracy_ratio"),
                                GaugeName("spcnet_ssl_teacher_logit_std"),
                                GaugeName("spcnet_ssl_prototypes_used_ratio"),
                                GaugeName("spcnet_gate_precision_ratio"),
                                GaugeName("spcnet_gate_recall_ratio"),
                                GaugeName("spcnet_gate_correction_accuracy_ratio"),
                                GaugeName("spcnet_gate_log_loss_threshold"),
                                GaugeName("spcnet_gate_kept_ratio"),
                                GaugeName("spcnet_gate_gmm_mean"),
                                GaugeName("spcnet_gate_gmm_variance"),
                                GaugeName("spcnet_gate_gmm_weight_ratio"),
                                GaugeName("spcnet_gate_gmm_separation"),
                                GaugeName("spcnet_ssl_embedding_std"),
                                GaugeName("spcnet_eval_eer_ratio"),
                                GaugeName("spcnet_eval_best_eer_ratio"),
                                GaugeName("spcnet_eval_min_dcf"),
                                GaugeName("spcnet_checkpoint_last_success_timestamp_seconds")})
    metrics_->forget(name);
  metrics_->set("spcnet_train_step", static_cast<double>(step));
  metrics_->set("spcnet_train_steps_planned", static_cast<double>(end_step));
  metrics_->set("spcnet_checkpoint_interval_steps",
                static_cast<double>(config_.checkpoint.every_steps));
  metrics_->set("spcnet_train_last_step_timestamp_seconds", seconds_since_1970());
  metrics_->set("spcnet_train_loss_uniform_nats", uniform_loss);
  metrics_->set("spcnet_train_weight_decay", config_.optim.weight_decay);
}

void RunMetrics::add_step(int64_t step, const Batch& batch, const StepResult& result,
                          const ScheduleValues& values, const StepTimes& times) {
  if (metrics_ == nullptr) return;
  const auto rows = static_cast<double>(batch.places.size());
  const ViewsConfig& views = config_.views;
  const double frames =
      rows * (views.num_global * views.global_frames + views.num_local * views.local_frames);
  metrics_->add("spcnet_train_steps_total", 1);
  metrics_->add("spcnet_train_samples_total", rows);
  metrics_->add("spcnet_train_audio_seconds_total", frames * kFrameSeconds);
  metrics_->set("spcnet_train_step", static_cast<double>(step));
  metrics_->set("spcnet_train_epoch", values.epoch);
  metrics_->set("spcnet_train_last_step_timestamp_seconds", seconds_since_1970());
  metrics_->observe("spcnet_train_step_duration_seconds", times.whole);
  metrics_->observe("spcnet_train_data_wait_duration_seconds", times.data);
  // What the step waited for others otherwise than for gradients, it did amid forward and backward.
  const double batch_norm_wait = std::max(0.0, times.waited() - result.reduce_seconds);
  const double known =
      times.data + result.compute_seconds + result.reduce_seconds + result.update_seconds;
  const auto add_phase = [&](const char* phase, double seconds) {
    metrics_->add("spcnet_train_phase_seconds_total", std::max(0.0, seconds), {phase});
  };
  add_phase("data_wait", times.data);
  add_phase("forward_backward", result.compute_seconds - batch_norm_wait);
  add_phase("batch_norm_wait", std::min(batch_norm_wait, result.compute_seconds));
  add_phase("reduce_wait", result.reduce_seconds);
  add_phase("update", result.update_seconds);
  add_phase("other", times.whole - known);
  metrics_->add("spcnet_train_own_seconds_total", std::max(0.0, times.own));
  const double waited = comm_.waits()->seconds_of_this_thread();
  const int64_t waits = comm_.waits()->num_ended();
  metrics_->add("spcnet_comm_wait_seconds_total", waited - waited_);
  metrics_->add("spcnet_comm_waits_total", static_cast<double>(waits - waits_));
  const int64_t sent = comm_.waits()->bytes();
  metrics_->add("spcnet_comm_bytes_total", static_cast<double>(sent - bytes_sent_));
  waited_ = waited;
  waits_ = waits;
  bytes_sent_ = sent;
  if (device_.is_cuda()) {
    const GpuMemory memory = gpu_memory(device_);
    metrics_->set("spcnet_gpu_memory_bytes", static_cast<double>(memory.allocated), {"allocated"});
    metrics_->set("spcnet_gpu_memory_bytes", static_cast<double>(memory.reserved), {"reserved"});
    metrics_->set("spcnet_gpu_memory_bytes", static_cast<double>(memory.total), {"total"});
  }
  if (!result.finite) {
    const bool loss = result.first_nonfinite.ends_with(": loss");
    metrics_->add("spcnet_train_nonfinite_steps_total", 1, {loss ? "loss" : "gradient"});
    return;
  }
  metrics_->set("spcnet_train_loss", result.loss);
  metrics_->set("spcnet_train_rank_loss",
                result.local_loss * static_cast<double>(config_.train.batch_size) / rows);
  metrics_->set("spcnet_train_learning_rate", values.lr);
  metrics_->set("spcnet_train_grad_norm", result.grad_norm);
  if (result.clipped > 0) metrics_->add("spcnet_train_grad_clipped_steps_total", 1);
  add_objective(result, values);
}

void RunMetrics::add_objective(const StepResult& result, const ScheduleValues& values) {
  const auto batch = static_cast<double>(config_.train.batch_size);
  for (const auto& [name, value] : result.figures) {
    if (name == "teacher_entropy") metrics_->set("spcnet_ssl_teacher_entropy_nats", value);
    if (name == "marginal_entropy")
      metrics_->set("spcnet_ssl_teacher_marginal_entropy_nats", value);
    if (name == "kl") metrics_->set("spcnet_ssl_kl_nats", value);
    if (name == "center_norm") metrics_->set("spcnet_ssl_center_norm", value);
    if (name == "logit_std") metrics_->set("spcnet_ssl_teacher_logit_std", value);
    if (name == "prototypes_used") metrics_->set("spcnet_ssl_prototypes_used_ratio", value);
    if (name == "embedding_std") metrics_->set("spcnet_ssl_embedding_std", value);
    if (name == "accuracy") metrics_->set("spcnet_train_accuracy_ratio", value);
    if (name == "trusted" || name == "corrected")
      metrics_->add("spcnet_gate_samples_total", value * batch, {name});
  }
  if (config_.train.objective == "dino") {
    metrics_->set("spcnet_ssl_ema_momentum", values.momentum_teacher);
    metrics_->set("spcnet_ssl_temperature", values.teacher_temp, {"teacher"});
    metrics_->set("spcnet_ssl_temperature", config_.dino.student_temp, {"student"});
    return;
  }
  double dropped = 1;
  for (const auto& [name, value] : result.figures)
    if (name == "trusted" || name == "corrected") dropped -= value;
  metrics_->add("spcnet_gate_samples_total", std::max(0.0, dropped) * batch, {"dropped"});
}

void RunMetrics::add_labels(const LabelReport& report, const at::Tensor& losses) {
  if (metrics_ == nullptr) return;
  if (report.quality) {
    metrics_->set("spcnet_gate_precision_ratio", report.quality->precision);
    metrics_->set("spcnet_gate_recall_ratio", report.quality->recall);
    metrics_->set("spcnet_gate_correction_accuracy_ratio", report.quality->correction_accuracy);
  }
  if (!report.gate) return;
  for (const double log_loss : log_losses(losses))
    metrics_->observe("spcnet_gate_log_loss", log_loss);
  metrics_->add("spcnet_gate_gmm_fits_total", 1, {to_text(report.gate->which)});
  const auto& [low, high, log_likelihood, iterations] = report.gate->mixture;
  metrics_->set("spcnet_gate_log_loss_threshold",
                report.gate->threshold.value_or(std::numeric_limits<double>::infinity()));
  if (config_.loss_gate.enabled) metrics_->set("spcnet_gate_kept_ratio", report.kept);
  metrics_->set("spcnet_gate_gmm_separation", ashman_d(report.gate->mixture));
  for (const auto& [name, component] : {std::pair("reliable", &low), {"unreliable", &high}}) {
    metrics_->set("spcnet_gate_gmm_mean", component->mean, {name});
    metrics_->set("spcnet_gate_gmm_variance", component->variance, {name});
    metrics_->set("spcnet_gate_gmm_weight_ratio", component->weight, {name});
  }
}

void RunMetrics::add_save(double seconds) {
  if (metrics_ != nullptr)
    metrics_->add("spcnet_train_phase_seconds_total", seconds, {"checkpoint"});
}

void RunMetrics::add_written(double seconds, int64_t bytes, bool good) {
  if (metrics_ == nullptr) return;
  metrics_->add("spcnet_checkpoint_operations_total", 1, {good ? "ok" : "error"});
  if (!good) return;
  metrics_->observe("spcnet_checkpoint_duration_seconds", seconds);
  metrics_->set("spcnet_checkpoint_size_bytes", static_cast<double>(bytes));
  metrics_->set("spcnet_checkpoint_last_success_timestamp_seconds", seconds_since_1970());
}

void RunMetrics::begin_evaluation() {
  if (metrics_ != nullptr) metrics_->set_state("spcnet_run_state", "evaluate");
}

void RunMetrics::end_evaluation(const std::vector<EvalResult>& results, int64_t step,
                                double seconds) {
  if (metrics_ == nullptr) return;
  metrics_->set_state("spcnet_run_state", "train");
  metrics_->set("spcnet_train_last_step_timestamp_seconds", seconds_since_1970());
  metrics_->add("spcnet_train_phase_seconds_total", seconds, {"evaluate"});
  for (const EvalResult& result : results) {
    double& best = best_eer_.emplace(result.name, result.eer).first->second;
    best = std::min(best, result.eer);
    metrics_->set("spcnet_eval_eer_ratio", result.eer, {result.name});
    metrics_->set("spcnet_eval_best_eer_ratio", best, {result.name});
    metrics_->set("spcnet_eval_min_dcf", result.min_dcf, {result.name});
  }
  if (results.empty()) return;
  metrics_->set("spcnet_eval_step", static_cast<double>(step));
  metrics_->set("spcnet_eval_duration_seconds", seconds);
  metrics_->set("spcnet_eval_last_timestamp_seconds", seconds_since_1970());
}

void RunMetrics::add_loading(Loader& loader, const ShardSet& shards) {
  if (metrics_ == nullptr) return;
  metrics_->set("spcnet_data_queue_depth", static_cast<double>(loader.num_ready()));
  metrics_->set("spcnet_data_queue_capacity", config_.loader.prefetch_batches);
  const int64_t bytes = shards.bytes_read();
  const double read = shards.read_seconds();
  const double work = std::max(loader.work_seconds(), read);
  metrics_->add("spcnet_data_read_bytes_total", static_cast<double>(bytes - bytes_read_));
  metrics_->add("spcnet_data_stage_seconds_total", read - read_seconds_, {"read"});
  metrics_->add("spcnet_data_stage_seconds_total",
                std::max(0.0, (work - work_seconds_) - (read - read_seconds_)), {"augment"});
  bytes_read_ = bytes;
  read_seconds_ = read;
  work_seconds_ = work;
}

}  // namespace spc
