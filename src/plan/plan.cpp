#include "plan/plan.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>

#include "base/error.h"
#include "base/integers.h"
#include "plan/sizes.h"
#include "train/run_checks.h"
#include "train/schedule.h"
#include "train/stages.h"

namespace spc {
namespace {

constexpr const char* kTraining = "training";
constexpr const char* kEvaluation = "evaluation";
constexpr const char* kExtraction = "extraction";
constexpr const char* kClustering = "clustering";

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

std::vector<PhaseMemory> phases_of(const PlanRequest& request, const Stage& stage) {
  const RunConfig& config = stage.train.config;
  const RankShape& shape = request.shape;
  std::vector<PhaseMemory> phases{{kTraining, predict_memory(config, shape)}};
  if (shape.eval_utts > 0) phases.push_back({kEvaluation, evaluation_memory(config, shape)});
  if (stage.round == 0) return phases;
  phases.push_back({kExtraction, extraction_memory(config, request.rounds.extract, shape)});
  phases.push_back({kClustering, clustering_memory(config, request.rounds.cluster, shape)});
  return phases;
}

StagePlan plan_stage(const PlanRequest& request, const Stage& stage) {
  const RunConfig& config = stage.train.config;
  const int ranks = request.ranks();
  StagePlan plan;
  plan.name = stage.name;
  plan.config = config;
  plan.steps = last_step(config, request.shape.num_utts);
  plan.phases = phases_of(request, stage);
  plan.work = step_work(config, request.shape, ceil_divided(config.train.batch_size, ranks));
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
  plan.checkpoint_bytes = plan.phases.front().memory.checkpoint;
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

std::string remedy_for_training(const PlanRequest& request, const StagePlan& stage, double limit) {
  const int64_t accumulate = accumulate_that_fits(stage.config, request.shape, limit);
  const char* narrower =
      request.shape.arithmetic.element > 2 ? "; train.precision bf16 halves activations" : "";
  if (accumulate == 0)
    return concat(
        "even one utterance at a time is too much; make model.channels, views.global_frames or "
        "dino.out_dim smaller, or use ranks with more memory",
        narrower);
  RunConfig smaller = stage.config;
  smaller.train.accumulate = accumulate;
  return concat("set ", stage_key(stage.name), "train.accumulate ", accumulate, " (",
                size_text(predict_memory(smaller, request.shape).needed()), "), or use more ranks",
                narrower);
}

std::string remedy_for_extraction(const PlanRequest& request, const StagePlan& stage,
                                  double limit) {
  const ExtractConfig& given = request.rounds.extract;
  const ExtractConfig smaller = extraction_that_fits(stage.config, given, request.shape, limit);
  if (smaller.batch_frames == 0) return "use more ranks, or ranks with more memory";
  return concat(
      "set extract.batch_frames ", smaller.batch_frames,
      smaller.max_frames < given.max_frames ? concat(" and extract.max_frames ", smaller.max_frames)
                                            : "",
      " (", size_text(extraction_memory(stage.config, smaller, request.shape).needed()), ")");
}

std::string remedy(const PlanRequest& request, const StagePlan& stage, const PhaseMemory& phase,
                   double limit) {
  const double fixed = phase.memory.fixed();
  if (fixed > limit)
    return concat("whatever the network, ",
                  request.shape.arithmetic.gpu
                      ? "CUDA takes "
                      : "the program and the index of the utterances take ",
                  size_text(fixed), "; use ranks with more memory",
                  request.shape.arithmetic.gpu ? "" : ", or fewer of them on a machine");
  if (phase.name == kTraining) return remedy_for_training(request, stage, limit);
  if (phase.name == kExtraction) return remedy_for_extraction(request, stage, limit);
  if (phase.name == kEvaluation)
    return "leave out --trials and score checkpoints afterwards, or make model.channels smaller";
  return "use more ranks, or ranks with more memory";
}

// Empty when it fits. On a machine without GPUs its ranks share the memory.
std::string memory_problem(const PlanRequest& request, const StagePlan& stage,
                           const PhaseMemory& phase) {
  const bool gpu = request.shape.arithmetic.gpu;
  const double limit = gpu ? request.memory_limit : request.memory_limit / request.ranks_per_node;
  const double needed = phase.memory.needed();
  if (needed <= limit) return "";
  return concat(stage.name, " needs ", size_text(needed), " a rank",
                phase.name == kTraining ? "" : " in its " + phase.name, " and has ",
                size_text(limit), ": ", remedy(request, stage, phase, limit));
}

}  // namespace

const PhaseMemory& StagePlan::fullest() const {
  return *std::max_element(phases.begin(), phases.end(), [](const auto& one, const auto& other) {
    return one.memory.needed() < other.memory.needed();
  });
}

Plan make_plan(const PlanRequest& request) {
  SPC_ASSERT(request.operations_per_s > 0 && request.memory_limit > 0,
             "a plan needs a rate and a limit");
  Plan plan;
  for (const Stage& stage : stages_of(request)) {
    check_ranks(stage.train.config, request.ranks());
    plan.stages.push_back(plan_stage(request, stage));
    if (stage.round > 1) continue;  // all rounds are alike
    for (const PhaseMemory& phase : plan.stages.back().phases) {
      const std::string problem = memory_problem(request, plan.stages.back(), phase);
      if (!problem.empty()) plan.problems.push_back(problem);
    }
  }
  plan.shard_bytes = static_cast<double>(request.shape.num_utts) * request.shape.mean_frames *
                     static_cast<double>(request.shape.num_mel_bins) * kFeatureBytes;
  return plan;
}

}  // namespace spc
