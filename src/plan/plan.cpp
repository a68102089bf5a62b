#include "plan/plan.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>

#include "base/error.h"
#include "plan/sizes.h"
#include "train/run_checks.h"
#include "train/schedule.h"
#include "train/stages.h"

namespace spc {
namespace {

constexpr double kMessageSeconds = 50e-6;  // a small sum between nodes; not measured here

std::vector<Stage> stages_of(const PlanRequest& request) {
  RoundsArguments arguments;
  arguments.base.config = request.train.config;
  arguments.base.resolved = request.train.resolved;
  arguments.rounds = request.rounds;
  if (request.rounds.count > 0) return plan_stages(arguments);
  Stage only;
  only.name = request.train.config.train.objective == "dino" ? "dino" : "labels";
  only.train = arguments.base;
  return {only};
}

// What is not hidden: gradients beside backward, batch statistics amid the passes.
double exposed_seconds(const PlanRequest& request, const StepWork& work, double backward_s) {
  if (request.ranks() == 1 || request.link_bits_per_s == 0) return 0;
  const double link = request.link_bits_per_s / 8;
  const double gradients = ring_bytes(work.gradient_bytes, request.ranks()) / link;
  const double statistics = ring_bytes(work.statistics_bytes, request.ranks()) / link +
                            static_cast<double>(work.messages) * kMessageSeconds;
  return std::max(0.0, gradients - backward_s) + statistics;
}

StagePlan plan_stage(const PlanRequest& request, const Stage& stage) {
  const RunConfig& config = stage.train.config;
  const int ranks = request.ranks();
  StagePlan plan;
  plan.name = stage.name;
  plan.config = config;
  plan.steps = last_step(config, request.shape.num_utts);
  plan.memory = predict_memory(config, request.shape);
  plan.work = step_work(config, request.shape, (config.train.batch_size + ranks - 1) / ranks);
  const double backward_s = plan.work.backward / request.operations_per_s;
  plan.step_s = plan.work.operations / request.operations_per_s +
                exposed_seconds(request, plan.work, backward_s);
  plan.train_hours = static_cast<double>(plan.steps) * plan.step_s / 3600;
  if (stage.round > 0) {
    const double operations = extraction_operations(config.model, request.shape) +
                              clustering_operations(request.rounds.cluster, request.shape.num_utts,
                                                    config.model.embedding_dim);
    plan.label_hours = operations / (request.operations_per_s * ranks) / 3600;
  }
  plan.checkpoint_bytes = plan.memory.checkpoint;
  const CheckpointConfig& saving = config.checkpoint;
  plan.checkpoints_kept = std::min(saving.keep, plan.steps / saving.every_steps + 1) +
                          (saving.milestone_steps > 0 ? plan.steps / saving.milestone_steps : 0);
  plan.needed_link = ring_bytes(plan.work.gradient_bytes, ranks) * 8 / backward_s;
  return plan;
}

// Keys of rounds and of fine-tuning have their own names.
std::string stage_key(const std::string& stage) {
  if (stage == kFinetune) return "finetune.";
  return stage.starts_with("round") ? "round." : "";
}

// Empty when it fits. On a machine without GPUs its ranks share the memory.
std::string memory_problem(const PlanRequest& request, const StagePlan& stage) {
  const bool gpu = request.shape.arithmetic.gpu;
  const double limit = gpu ? request.memory_limit : request.memory_limit / request.ranks_per_node;
  const double needed = stage.memory.needed();
  if (needed <= limit) return "";
  const int64_t accumulate = accumulate_that_fits(stage.config, request.shape, limit);
  std::string remedy;
  if (accumulate > 0) {
    RunConfig smaller = stage.config;
    smaller.train.accumulate = accumulate;
    remedy =
        concat("set ", stage_key(stage.name), "train.accumulate ", accumulate, " (",
               size_text(predict_memory(smaller, request.shape).needed()), "), or use more ranks");
  } else {
    remedy =
        "even one utterance at a time is too much; make model.channels, views.global_frames or "
        "dino.out_dim smaller, or use ranks with more memory";
  }
  return concat(
      stage.name, " needs ", size_text(needed), " a rank and has ", size_text(limit), ": ", remedy,
      request.shape.arithmetic.element > 2 ? "; train.precision bf16 halves activations" : "");
}

}  // namespace

Plan make_plan(const PlanRequest& request) {
  SPC_ASSERT(request.operations_per_s > 0 && request.memory_limit > 0,
             "a plan needs a rate and a limit");
  Plan plan;
  for (const Stage& stage : stages_of(request)) {
    check_ranks(stage.train.config, request.ranks());
    plan.stages.push_back(plan_stage(request, stage));
    if (stage.round > 1) continue;  // all rounds are alike
    const std::string problem = memory_problem(request, plan.stages.back());
    if (!problem.empty()) plan.problems.push_back(problem);
  }
  plan.shard_bytes = static_cast<double>(request.shape.num_utts) * request.shape.mean_frames *
                     static_cast<double>(request.shape.num_mel_bins) * kFeatureBytes;
  return plan;
}

}  // namespace spc
