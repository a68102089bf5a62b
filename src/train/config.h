// What a training run is told, section by section.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "base/options.h"
#include "loader/augment.h"
#include "loader/loader.h"
#include "metrics/exporter.h"
#include "model/dino_head.h"
#include "model/spcnet_config.h"
#include "train/label_config.h"

namespace spc {

struct DinoConfig {
  double student_temp = 0.1;
  double teacher_temp = 0.07;              // after the warm-up
  double warmup_teacher_temp = 0.04;       // at the start
  double warmup_teacher_temp_epochs = 30;  // linear between the two
  double momentum_teacher = 0.996;         // of the moving average at the start
  double final_momentum_teacher = 1;       // at the end; half a cosine between the two
  double center_momentum = 0.9;
  double freeze_last_layer_epochs = 1;  // the prototypes get no update
  void add_to(OptionSet& options);
  void validate() const;
};

struct OptimConfig {
  std::string type = "sgd";  // sgd (momentum) | adamw
  double lr = 0.2;
  double min_lr = 5e-5;
  std::string schedule = "cosine";  // cosine | exponential, after the warm-up
  double epoch_decay = 0.98;        // exponential: factor an epoch
  bool scale_lr = true;             // lr and min_lr times batch_size / 256
  double warmup_epochs = 20;        // linear from zero
  double weight_decay = 5e-5;       // not on biases and other 1-D parameters
  double momentum = 0.9;            // sgd
  double beta1 = 0.9;               // adamw
  double beta2 = 0.999;
  double eps = 1e-8;
  double clip_norm = 3.0;  // largest L2 norm of each tensor's gradient; 0: no clipping
  void add_to(OptionSet& options);
  void validate() const;
};

struct TrainConfig {
  std::string objective = "dino";  // dino | pseudo_label
  double epochs = 150;             // what the schedules span
  int64_t max_steps = 0;           // stop earlier, without changing the schedules; 0: no
  int64_t batch_size = 512;        // utterances per step, all ranks together
  int64_t accumulate = 1;          // micro-batches of a step
  int64_t seed = 1;
  std::string precision = "auto";  // auto | fp32 | bf16 | fp64
  std::string device = "auto";     // auto | cpu | cuda
  std::string kernels = "auto";    // auto | fused | plain
  bool cuda_graphs = false;        // on a GPU: record forward and backward of DINO, repeat them
  int threads = 0;                 // compute threads per rank; 0: this rank's share of the cores
  bool sync_bn = true;             // batch statistics over all ranks
  int64_t max_nonfinite_steps = 10;
  /// Whether blocks are computed in the fused passes.
  [[nodiscard]] bool fuses(bool on_gpu) const;
  void add_to(OptionSet& options);
  void validate() const;
};

struct CheckpointConfig {
  int64_t every_steps = 1000;
  int64_t keep = 3;
  int64_t milestone_steps = 0;
  void add_to(OptionSet& options);
  void validate() const;
};

struct LogConfig {
  double every_seconds = 5;
  void add_to(OptionSet& options);
  void validate() const;
};

struct EvalConfig {
  double every_epochs = 1;
  bool keep_best = true;
  void add_to(OptionSet& options);
  void validate() const;
};

struct DistConfig {
  double timeout_s = 600;
  int64_t expected_ranks = 0;
  bool deterministic = false;  // the same bits on 1, 2 and 4 ranks
  bool overlap = true;         // gradients travel while backward runs
  std::string wire = "fp32";   // as what they travel: fp32 | bf16
  int64_t sentinel_steps = 500;
  double silence_s = 60;
  double straggler_s = 60;
  void add_to(OptionSet& options);
  void validate() const;
};

/// All of them: the configuration of `spcnet train`.
struct RunConfig {
  SpcNetConfig model;
  DinoHeadConfig head;
  DinoConfig dino;
  AamConfig aam;
  LossGateConfig loss_gate;
  LabelCorrectionConfig label_correction;
  ViewsConfig views;
  AugmentConfig augment;
  LoaderConfig loader;
  OptimConfig optim;
  TrainConfig train;
  CheckpointConfig checkpoint;
  LogConfig log;
  EvalConfig eval;
  DistConfig dist;
  MetricsConfig metrics;
  int num_mel_bins = 0;  // [fbank] num_mel_bins: 0 takes what the shards have
  void add_to(OptionSet& options);
};

/// Keys and values, sorted.
using ResolvedConfig = std::vector<std::pair<std::string, std::string>>;

/// A configuration, and the same as text.
struct FullConfig {
  RunConfig config;
  ResolvedConfig resolved;
};

/// @param text  INI   @throws UsageError  an unknown key, a wrong value: names `origin`
FullConfig read_config(const std::string& text, const std::string& origin);

/// True for keys that a continued run may change: they decide when to stop, to save and to speak,
/// not what is computed.
bool may_differ_on_resume(const std::string& key);

}  // namespace spc
