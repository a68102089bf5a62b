// Every metric that the programs export: one table, from which they are registered, listed
// (`spcnet metrics --list`), documented (monitoring/METRICS.md) and checked for by the dashboards'
// tests.
#pragma once

#include <array>
#include <cstddef>
#include <string_view>

namespace spc {

enum class MetricType { kCounter, kGauge, kHistogram };

/// Figures of the whole run come from rank 0 alone, so that a sum over ranks does not multiply
/// them.
enum class ExportedBy { kEveryRank, kRankZero };

struct MetricInfo {
  std::string_view name;
  MetricType type = MetricType::kGauge;
  std::string_view unit;
  ExportedBy by = ExportedBy::kEveryRank;
  std::string_view labels;  // names, "a,b"; besides run, rank and host, which all have
  std::string_view values;  // of the only label, where they are known beforehand: "x,y,z"
  std::string_view help;
};

namespace catalogue {

inline constexpr auto kCounter = MetricType::kCounter;
inline constexpr auto kGauge = MetricType::kGauge;
inline constexpr auto kHistogram = MetricType::kHistogram;
inline constexpr auto kEvery = ExportedBy::kEveryRank;
inline constexpr auto kZero = ExportedBy::kRankZero;

// clang-format off
inline constexpr std::array kTable{
    // The run
    MetricInfo{"spcnet_build_info", kGauge, "1", kEvery, "version", "", "Build of this program; always 1"},
    MetricInfo{"spcnet_run_info", kGauge, "1", kZero, "stage,objective,precision,device,slurm_job_id", "", "What is being run, for joins; always 1. slurm_job_id is empty outside Slurm"},
    MetricInfo{"spcnet_run_state", kGauge, "1", kEvery, "state", "start,train,evaluate,extract,cluster,done,stopped", "1 for the present state, 0 for the others"},
    MetricInfo{"spcnet_run_world_size", kGauge, "ranks", kZero, "", "", "Ranks of the run"},
    MetricInfo{"spcnet_run_start_timestamp_seconds", kGauge, "seconds since 1970", kZero, "", "", "When this process began"},
    MetricInfo{"process_resident_memory_bytes", kGauge, "bytes", kEvery, "", "", "Memory that the process holds"},
    MetricInfo{"process_cpu_seconds_total", kCounter, "seconds", kEvery, "", "", "Processor time of the process, user and system"},
    MetricInfo{"process_open_fds", kGauge, "1", kEvery, "", "", "Open file descriptors"},
    MetricInfo{"process_start_time_seconds", kGauge, "seconds since 1970", kEvery, "", "", "When the process began"},
    // Position and speed
    MetricInfo{"spcnet_train_steps_total", kCounter, "steps", kEvery, "", "", "Steps made since the start of this process"},
    MetricInfo{"spcnet_train_samples_total", kCounter, "utterances", kEvery, "", "", "Utterances of this rank's share since the start of this process"},
    MetricInfo{"spcnet_train_audio_seconds_total", kCounter, "seconds", kEvery, "", "", "Speech in the crops of this rank's share, all views"},
    MetricInfo{"spcnet_train_step", kGauge, "steps", kZero, "", "", "Steps of the present stage, those before a restart too"},
    MetricInfo{"spcnet_train_steps_planned", kGauge, "steps", kZero, "", "", "Step at which the present stage ends"},
    MetricInfo{"spcnet_train_epoch", kGauge, "epochs", kZero, "", "", "Passes over the data of the present stage, with fraction"},
    MetricInfo{"spcnet_train_round", kGauge, "1", kZero, "", "", "Round of pseudo labels, 0 before the first"},
    MetricInfo{"spcnet_train_last_step_timestamp_seconds", kGauge, "seconds since 1970", kEvery, "", "", "End of the last step or evaluation, or the beginning of the stage"},
    MetricInfo{"spcnet_train_step_duration_seconds", kHistogram, "seconds", kEvery, "", "", "A whole step, waiting for data included"},
    MetricInfo{"spcnet_train_data_wait_duration_seconds", kHistogram, "seconds", kEvery, "", "", "Waiting for the batch of a step"},
    MetricInfo{"spcnet_train_phase_seconds_total", kCounter, "seconds", kEvery, "phase", "data_wait,forward_backward,batch_norm_wait,reduce_wait,update,checkpoint,evaluate,other", "Wall time of training by what it is spent on; batch_norm_wait and reduce_wait: waiting for other ranks amid forward and backward, and after them"},
    MetricInfo{"spcnet_train_own_seconds_total", kCounter, "seconds", kEvery, "", "", "Time of steps in which this rank did not wait for others"},
    // Learning
    MetricInfo{"spcnet_train_loss", kGauge, "nats", kZero, "", "", "Mean loss of the last step over all ranks"},
    MetricInfo{"spcnet_train_rank_loss", kGauge, "nats", kEvery, "", "", "Mean loss of this rank's share of the last step"},
    MetricInfo{"spcnet_train_loss_uniform_nats", kGauge, "nats", kZero, "", "", "Loss of a network that tells nothing apart, ln K"},
    MetricInfo{"spcnet_train_learning_rate", kGauge, "1", kZero, "", "", "Of the last step"},
    MetricInfo{"spcnet_train_weight_decay", kGauge, "1", kZero, "", "", "Of the optimiser"},
    MetricInfo{"spcnet_train_grad_clipped_steps_total", kCounter, "steps", kZero, "", "", "Steps in which the gradient of some tensor was longer than optim.clip_norm"},
    MetricInfo{"spcnet_train_grad_norm", kGauge, "1", kZero, "", "", "L2 norm of all gradients before clipping"},
    MetricInfo{"spcnet_train_nonfinite_steps_total", kCounter, "steps", kZero, "what", "loss,gradient", "Steps skipped because a value was not finite"},
    MetricInfo{"spcnet_train_accuracy_ratio", kGauge, "0-1", kZero, "", "", "Share of the last step's utterances that the classifier gives their label"},
    MetricInfo{"spcnet_ssl_teacher_entropy_nats", kGauge, "nats", kZero, "", "", "Mean entropy of the teacher's outputs; ln K means that it knows nothing"},
    MetricInfo{"spcnet_ssl_teacher_marginal_entropy_nats", kGauge, "nats", kZero, "", "", "Entropy of the mean of the teacher's outputs over a rank's share of a step; near 0: all look alike"},
    MetricInfo{"spcnet_ssl_kl_nats", kGauge, "nats", kZero, "", "", "Divergence of the student from the teacher"},
    MetricInfo{"spcnet_ssl_center_norm", kGauge, "1", kZero, "", "", "L2 norm of the moving mean of teacher logits"},
    MetricInfo{"spcnet_ssl_teacher_logit_std", kGauge, "1", kZero, "", "", "Standard deviation of a teacher logit over a rank's share of a step, mean of the prototypes; 0: all utterances look alike"},
    MetricInfo{"spcnet_ssl_prototypes_used_ratio", kGauge, "0-1", kZero, "", "", "Different prototypes among the teacher's first choices for a rank's share of a step, a view; near 0: a few take everything"},
    MetricInfo{"spcnet_ssl_embedding_std", kGauge, "1", kZero, "", "", "Spread of embedding directions: 1 even, 0 all alike"},
    MetricInfo{"spcnet_ssl_ema_momentum", kGauge, "1", kZero, "", "", "Of the teacher's moving average"},
    MetricInfo{"spcnet_ssl_temperature", kGauge, "1", kZero, "net", "student,teacher", "Softmax temperature"},
    // Pseudo labels
    MetricInfo{"spcnet_gate_samples_total", kCounter, "utterances", kZero, "decision", "trusted,corrected,dropped", "Labels of all ranks by what became of them"},
    MetricInfo{"spcnet_gate_log_loss_threshold", kGauge, "ln nats", kZero, "", "", "Labels with a log loss below it are trusted; +Inf: all"},
    MetricInfo{"spcnet_gate_log_loss", kHistogram, "ln nats", kZero, "", "", "Log losses of all utterances, once an epoch; they may be negative, so their sum says nothing"},
    MetricInfo{"spcnet_gate_kept_ratio", kGauge, "0-1", kZero, "", "", "Share of the last epoch's losses below the threshold"},
    MetricInfo{"spcnet_gate_precision_ratio", kGauge, "0-1", kZero, "", "", "Share of the last epoch's trusted labels that are right, where shards name the speakers: of the speaker that is the commonest of the label"},
    MetricInfo{"spcnet_gate_recall_ratio", kGauge, "0-1", kZero, "", "", "Share of the right labels that were trusted in the last epoch, where shards name the speakers"},
    MetricInfo{"spcnet_gate_correction_accuracy_ratio", kGauge, "0-1", kZero, "", "", "Share of the last epoch's corrections that are right, where shards name the speakers"},
    MetricInfo{"spcnet_gate_gmm_mean", kGauge, "ln nats", kZero, "component", "reliable,unreliable", "Of a Gaussian fitted to the log losses"},
    MetricInfo{"spcnet_gate_gmm_variance", kGauge, "1", kZero, "component", "reliable,unreliable", "Of a Gaussian fitted to the log losses"},
    MetricInfo{"spcnet_gate_gmm_weight_ratio", kGauge, "0-1", kZero, "component", "reliable,unreliable", "Of a Gaussian fitted to the log losses"},
    MetricInfo{"spcnet_gate_gmm_separation", kGauge, "1", kZero, "", "", "Ashman's D of the two Gaussians; below 1.5 they are one"},
    MetricInfo{"spcnet_gate_gmm_fits_total", kCounter, "1", kZero, "result", "crossing,keep_all,kept_previous,no_gate", "Fits by what came of them"},
    MetricInfo{"spcnet_cluster_runs_total", kCounter, "1", kZero, "", "", "Clusterings finished by this process"},
    MetricInfo{"spcnet_cluster_last_timestamp_seconds", kGauge, "seconds since 1970", kZero, "", "", "When the last clustering ended"},
    MetricInfo{"spcnet_cluster_duration_seconds", kGauge, "seconds", kZero, "phase", "extract,cluster", "Of the last round's labels"},
    MetricInfo{"spcnet_cluster_passes", kGauge, "1", kZero, "", "", "Passes over all rows of the last clustering"},
    MetricInfo{"spcnet_cluster_objective", kGauge, "1", kZero, "", "", "Of the last clustering, per utterance"},
    MetricInfo{"spcnet_cluster_clusters", kGauge, "1", kZero, "", "", "Clusters of the last clustering"},
    MetricInfo{"spcnet_cluster_size", kGauge, "utterances", kZero, "stat", "min,p10,median,p90,max", "Sizes of the clusters"},
    MetricInfo{"spcnet_cluster_nmi_ratio", kGauge, "0-1", kZero, "against", "speakers,recordings,previous_round", "Normalised mutual information; it rises with the number of clusters, see ami"},
    MetricInfo{"spcnet_cluster_ami_ratio", kGauge, "0-1", kZero, "against", "speakers,recordings,previous_round", "Mutual information less what chance gives"},
    MetricInfo{"spcnet_cluster_purity_ratio", kGauge, "0-1", kZero, "against", "speakers,recordings,previous_round", "Share of utterances that are of the commonest class of their cluster"},
    MetricInfo{"spcnet_cluster_reassigned_ratio", kGauge, "0-1", kZero, "", "", "Share of utterances that left the cluster which best matches theirs of the round before"},
    // Evaluation
    MetricInfo{"spcnet_eval_eer_ratio", kGauge, "0-1", kZero, "trials", "", "Equal error rate of the last evaluation"},
    MetricInfo{"spcnet_eval_best_eer_ratio", kGauge, "0-1", kZero, "trials", "", "The lowest of the stage so far, those before a restart too"},
    MetricInfo{"spcnet_eval_min_dcf", kGauge, "1", kZero, "trials", "", "Minimum detection cost of the last evaluation, target prior 0.01"},
    MetricInfo{"spcnet_eval_step", kGauge, "steps", kZero, "", "", "Step of the last evaluation"},
    MetricInfo{"spcnet_eval_duration_seconds", kGauge, "seconds", kZero, "", "", "Time of the last evaluation"},
    MetricInfo{"spcnet_eval_last_timestamp_seconds", kGauge, "seconds since 1970", kZero, "", "", "When the last evaluation ended"},
    // Checkpoints
    MetricInfo{"spcnet_checkpoint_duration_seconds", kHistogram, "seconds", kZero, "", "", "Writing a checkpoint, beside training"},
    MetricInfo{"spcnet_checkpoint_interval_steps", kGauge, "steps", kZero, "", "", "Between checkpoints"},
    MetricInfo{"spcnet_checkpoint_size_bytes", kGauge, "bytes", kZero, "", "", "Of the last checkpoint"},
    MetricInfo{"spcnet_checkpoint_last_success_timestamp_seconds", kGauge, "seconds since 1970", kZero, "", "", "When the last checkpoint was on the disk"},
    MetricInfo{"spcnet_checkpoint_operations_total", kCounter, "1", kZero, "result", "ok,error", "Checkpoints by how it went"},
    // Data
    MetricInfo{"spcnet_data_read_bytes_total", kCounter, "bytes", kEvery, "", "", "Read from shards"},
    MetricInfo{"spcnet_data_stage_seconds_total", kCounter, "seconds", kEvery, "stage", "read,augment", "Work of the loader's threads, all together; read includes checksums"},
    MetricInfo{"spcnet_data_queue_depth", kGauge, "batches", kEvery, "", "", "Batches that were ready when the last step took one"},
    MetricInfo{"spcnet_data_queue_capacity", kGauge, "batches", kEvery, "", "", "Batches that are prepared ahead at most"},
    // Communication
    MetricInfo{"spcnet_comm_bytes_total", kCounter, "bytes", kEvery, "", "", "What this rank gave to collectives between processes"},
    MetricInfo{"spcnet_comm_wait_seconds_total", kCounter, "seconds", kEvery, "", "", "Waiting in collectives, the training thread's"},
    MetricInfo{"spcnet_comm_waits_total", kCounter, "1", kEvery, "", "", "Waits in collectives that have ended, all threads'; it stands still when ranks are stuck"},
    // GPU
    MetricInfo{"spcnet_gpu_memory_bytes", kGauge, "bytes", kEvery, "kind", "", "Of the rank's GPU: allocated, reserved besides, total"},
};
// clang-format on

}  // namespace catalogue

inline constexpr auto& kCatalogue = catalogue::kTable;

/// A row of the table.
struct MetricId {
  size_t index = 0;
  [[nodiscard]] constexpr const MetricInfo& info() const { return kCatalogue[index]; }
};

/// The row of that name. A name that is not there, or of another type, does not compile.
template <MetricType type>
struct MetricName {
  // NOLINTNEXTLINE(google-explicit-constructor): a name in quotes is meant to become one
  consteval MetricName(const char* name) {
    while (id.index < kCatalogue.size() && id.info().name != name) ++id.index;
    if (id.index == kCatalogue.size()) throw "no such metric";
    if (id.info().type != type) throw "a metric of another type";
  }
  MetricId id;
};
using CounterName = MetricName<MetricType::kCounter>;
using GaugeName = MetricName<MetricType::kGauge>;
using HistogramName = MetricName<MetricType::kHistogram>;

}  // namespace spc
