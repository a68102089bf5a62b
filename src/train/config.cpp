#include "train/config.h"

#include "base/error.h"

namespace spc {

void DinoConfig::add_to(OptionSet& options) {
  options.add("dino.student_temp", student_temp, "student softmax temperature, > 0");
  options.add("dino.teacher_temp", teacher_temp,
              "teacher softmax temperature after the warm-up, > 0");
  options.add("dino.warmup_teacher_temp", warmup_teacher_temp,
              "teacher softmax temperature at the start, > 0");
  options.add("dino.warmup_teacher_temp_epochs", warmup_teacher_temp_epochs,
              "linear warm-up between the two, epochs");
  options.add("dino.momentum_teacher", momentum_teacher,
              "of the teacher's moving average at the start, 0..1");
  options.add(
      "dino.final_momentum_teacher", final_momentum_teacher,
      "the same at the end, a half cosine lies between, 0..1; below 1 a short run's teacher "
      "keeps up with the student");
  options.add("dino.center_momentum", center_momentum,
              "of the moving mean of teacher logits, 0..1");
  options.add("dino.freeze_last_layer_epochs", freeze_last_layer_epochs,
              "epochs in which the prototypes stay as they are");
  options.add_check([this] { validate(); });
}

void DinoConfig::validate() const {
  SPC_USAGE_CHECK(student_temp > 0 && teacher_temp > 0 && warmup_teacher_temp > 0,
                  "dino.*_temp must be > 0");
  SPC_USAGE_CHECK(momentum_teacher >= 0 && momentum_teacher <= 1 && final_momentum_teacher >= 0 &&
                      final_momentum_teacher <= 1 && center_momentum >= 0 && center_momentum < 1,
                  "dino.momentum_teacher, dino.final_momentum_teacher and dino.center_momentum "
                  "must be in 0..1");
  SPC_USAGE_CHECK(warmup_teacher_temp_epochs >= 0 && freeze_last_layer_epochs >= 0,
                  "dino.*_epochs must be >= 0");
}

void OptimConfig::add_to(OptionSet& options) {
  options.add("optim.type", type, "sgd (with momentum) or adamw");
  options.add("optim.lr", lr, "peak learning rate");
  options.add("optim.min_lr", min_lr, "learning rate at the end; it never falls below");
  options.add("optim.schedule", schedule,
              "after the warm-up: cosine, to min_lr at the end, or exponential");
  options.add("optim.epoch_decay", epoch_decay, "of an exponential schedule: factor an epoch");
  options.add("optim.scale_lr", scale_lr, "multiply both by train.batch_size / 256");
  options.add("optim.warmup_epochs", warmup_epochs, "linear warm-up from zero, epochs");
  options.add("optim.weight_decay", weight_decay, "not applied to biases and other 1-D parameters");
  options.add("optim.momentum", momentum, "of sgd");
  options.add("optim.beta1", beta1, "of adamw");
  options.add("optim.beta2", beta2, "of adamw");
  options.add("optim.eps", eps, "of adamw");
  options.add("optim.clip_norm", clip_norm,
              "largest L2 norm of each tensor's gradient, 0: no clipping");
  options.add_check([this] { validate(); });
}

void OptimConfig::validate() const {
  SPC_USAGE_CHECK(type == "sgd" || type == "adamw", "optim.type = ", type,
                  ", must be sgd or adamw");
  SPC_USAGE_CHECK(lr > 0 && min_lr >= 0 && min_lr <= lr,
                  "optim.lr must be > 0 and optim.min_lr between 0 and it");
  SPC_USAGE_CHECK(schedule == "cosine" || schedule == "exponential", "optim.schedule = ", schedule,
                  ", must be cosine or exponential");
  SPC_USAGE_CHECK(epoch_decay > 0 && epoch_decay <= 1, "optim.epoch_decay must be in 0..1");
  SPC_USAGE_CHECK(warmup_epochs >= 0 && weight_decay >= 0 && clip_norm >= 0,
                  "optim.warmup_epochs, optim.weight_decay and optim.clip_norm must be >= 0");
  SPC_USAGE_CHECK(momentum >= 0 && momentum < 1 && beta1 >= 0 && beta1 < 1 && beta2 >= 0 &&
                      beta2 < 1 && eps > 0,
                  "optim.momentum, beta1 and beta2 must be in 0..1, optim.eps > 0");
}

void TrainConfig::add_to(OptionSet& options) {
  options.add("train.objective", objective,
              "dino: without labels; pseudo_label: the labels of --labels, true or not");
  options.add("train.epochs", epochs,
              "passes over the data, fractions allowed; schedules span them");
  options.add("train.max_steps", max_steps,
              "stop after this step without changing the schedules, 0: no");
  options.add("train.batch_size", batch_size, "utterances per step, all ranks together");
  options.add(
      "train.accumulate", accumulate,
      "micro-batches in which a rank computes its part of a step, one after the other: less "
      "memory; batch norm statistics are those of a micro-batch");
  options.add("train.seed", seed, "of initial values, order, crops and augmentation");
  options.add("train.precision", precision,
              "auto (bf16 where every processor has it), fp32, bf16 or fp64");
  options.add("train.device", device,
              "auto (a GPU for each rank where this is a build with CUDA and there is one), cpu or "
              "cuda");
  options.add(
      "train.kernels", kernels,
      "fused: blocks in few passes over channels-last maps; plain: LibTorch's own operations, one "
      "after the other; auto: fused on a CPU, plain on a GPU");
  options.add("train.cuda_graphs", cuda_graphs,
              "on a GPU: record forward and backward of a DINO step once and repeat them from then "
              "on, one launch instead of thousands");
  options.add("train.threads", threads,
              "compute threads per rank, 0: this rank's share of the cores");
  options.add("train.sync_bn", sync_bn, "batch norm statistics over all ranks");
  options.add("train.max_nonfinite_steps", max_nonfinite_steps,
              "end the run after so many skipped steps in a row");
  options.add_check([this] { validate(); });
}

bool TrainConfig::fuses(bool on_gpu) const {
  return kernels == "fused" || (kernels == "auto" && !on_gpu);
}

void TrainConfig::validate() const {
  SPC_USAGE_CHECK(
      epochs > 0 && epochs <= 1e6 && max_steps >= 0 && batch_size >= 1,
      "train.epochs must be > 0 and <= 1e6, train.batch_size >= 1, train.max_steps >= 0");
  SPC_USAGE_CHECK(objective == "dino" || objective == "pseudo_label",
                  "train.objective = ", objective, ", must be dino or pseudo_label");
  SPC_USAGE_CHECK(accumulate >= 1 && accumulate <= batch_size,
                  "train.accumulate must be between 1 and train.batch_size");
  SPC_USAGE_CHECK(seed >= 0 && threads >= 0, "train.seed and train.threads must be >= 0");
  SPC_USAGE_CHECK(
      precision == "auto" || precision == "fp32" || precision == "bf16" || precision == "fp64",
      "train.precision = ", precision, ", must be auto, fp32, bf16 or fp64");
  SPC_USAGE_CHECK(device == "auto" || device == "cpu" || device == "cuda",
                  "train.device = ", device, ", must be auto, cpu or cuda");
  SPC_USAGE_CHECK(kernels == "auto" || kernels == "fused" || kernels == "plain",
                  "train.kernels = ", kernels, ", must be auto, fused or plain");
  SPC_USAGE_CHECK(max_nonfinite_steps >= 1, "train.max_nonfinite_steps must be >= 1");
}

void CheckpointConfig::add_to(OptionSet& options) {
  options.add("checkpoint.every_steps", every_steps, "steps between checkpoints");
  options.add("checkpoint.keep", keep, "the newest so many are kept");
  options.add("checkpoint.milestone_steps", milestone_steps,
              "those of every so many steps are kept for good, 0: none");
  options.add_check([this] { validate(); });
}

void CheckpointConfig::validate() const {
  SPC_USAGE_CHECK(every_steps >= 1 && keep >= 1 && milestone_steps >= 0,
                  "checkpoint.every_steps and checkpoint.keep must be >= 1, "
                  "checkpoint.milestone_steps >= 0");
}

void LogConfig::add_to(OptionSet& options) {
  options.add("log.every_seconds", every_seconds,
              "between lines on the screen and in the log, seconds");
  options.add_check([this] { validate(); });
}

void LogConfig::validate() const {
  SPC_USAGE_CHECK(every_seconds >= 0, "log.every_seconds must be >= 0");
}

void EvalConfig::add_to(OptionSet& options) {
  options.add("eval.every_epochs", every_epochs,
              "with --trials: equal error rates so often; before the first step and at the end in "
              "any case");
  options.add("eval.keep_best", keep_best,
              "checkpoints/best.h5 is the one with the lowest rate on the first list");
  options.add_check([this] { validate(); });
}

void EvalConfig::validate() const {
  SPC_USAGE_CHECK(every_epochs >= 0, "eval.every_epochs must be >= 0");
}

void DistConfig::add_to(OptionSet& options) {
  options.add("dist.timeout_s", timeout_s,
              "longest wait for the other ranks, and longest time without progress, seconds");
  options.add("dist.silence_s", silence_s,
              "end the run when a rank was not heard of for so long, seconds");
  options.add("dist.straggler_s", straggler_s,
              "warn of a rank whose own time a step is 1.5 times the others' for so long, seconds; "
              "0: never");
  options.add("dist.expected_ranks", expected_ranks,
              "refuse to start with another number of ranks, 0: any");
  options.add("dist.deterministic", deterministic,
              "the same bits on 1, 2 and 4 ranks, on one kind of processor; slower");
  options.add("dist.overlap", overlap,
              "sum gradients over ranks while backward still runs; false only to measure the gain");
  options.add(
      "dist.wire", wire,
      "gradients travel as fp32 or bf16: half the bytes, rounded twice; the error is logged");
  options.add("dist.sentinel_steps", sentinel_steps,
              "compare the ranks' networks every so many steps and before each checkpoint, 0: "
              "never");
  options.add_check([this] { validate(); });
}

void DistConfig::validate() const {
  SPC_USAGE_CHECK(timeout_s > 0 && silence_s > 0 && straggler_s >= 0,
                  "dist.timeout_s and dist.silence_s must be > 0, dist.straggler_s >= 0");
  SPC_USAGE_CHECK(wire == "fp32" || wire == "bf16", "dist.wire = ", wire, ", must be fp32 or bf16");
  SPC_USAGE_CHECK(expected_ranks >= 0 && sentinel_steps >= 0,
                  "dist.expected_ranks and dist.sentinel_steps must be >= 0");
}

void RunConfig::add_to(OptionSet& options) {
  options.add("fbank.num_mel_bins", num_mel_bins,
              "mel bins that the shards must have, 0: whatever they have");
  model.add_to(options);
  head.add_to(options);
  dino.add_to(options);
  aam.add_to(options);
  loss_gate.add_to(options);
  label_correction.add_to(options);
  views.add_to(options);
  augment.add_to(options);
  loader.add_to(options);
  optim.add_to(options);
  train.add_to(options);
  checkpoint.add_to(options);
  log.add_to(options);
  eval.add_to(options);
  dist.add_to(options);
  metrics.add_to(options);
  options.add_check([this] {
    SPC_USAGE_CHECK(train.objective != "dino" || views.num_global + views.num_local >= 2,
                    "views.num_global + views.num_local must be >= 2: a view learns from another "
                    "one");
    SPC_USAGE_CHECK(
        train.objective == "dino" || (views.num_global == 1 && views.num_local == 0),
        "train.objective = pseudo_label trains on one view of an utterance: set views.num_global = "
        "1 and views.num_local = 0");
    SPC_USAGE_CHECK(!train.cuda_graphs || (train.accumulate == 1 && dist.wire == "fp32"),
                    "train.cuda_graphs records a step of one micro-batch whose gradients travel as "
                    "they are: set train.accumulate = 1 and dist.wire = fp32");
    SPC_USAGE_CHECK(!label_correction.enabled() || loss_gate.enabled,
                    "label_correction.type = ", label_correction.type,
                    " corrects what the gate drops: set loss_gate.enabled = true");
  });
}

FullConfig read_config(const std::string& text, const std::string& origin) {
  FullConfig full;
  OptionSet keys("");
  full.config.add_to(keys);
  keys.parse_ini(text, origin);
  full.resolved = keys.resolved();
  return full;
}

bool may_differ_on_resume(const std::string& key) {
  return key == "train.max_steps" || key == "train.threads" || key == "train.device" ||
         key == "train.kernels" || key == "train.cuda_graphs" ||
         key == "train.max_nonfinite_steps" || key.starts_with("checkpoint.") ||
         key.starts_with("log.") || key.starts_with("eval.") || key.starts_with("metrics.") ||
         (key.starts_with("dist.") && key != "dist.deterministic" && key != "dist.wire") ||
         key.starts_with("loader.");
}

}  // namespace spc
