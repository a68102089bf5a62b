#include <array>
#include <cstdio>

#include "base/error.h"
#include "base/json.h"
#include "plan/plan.h"
#include "plan/sizes.h"

namespace spc {
namespace {

template <typename... Values>
std::string line(const char* format, Values... values) {
  std::array<char, 256> text{};
  std::snprintf(text.data(), text.size(), format, values...);
  return std::string(text.data()) + "\n";
}

const StagePlan& fullest(const Plan& plan) {
  const StagePlan* found = plan.stages.data();
  for (const StagePlan& stage : plan.stages)
    if (stage.fullest().memory.total() > found->fullest().memory.total()) found = &stage;
  return *found;
}

double hours_of(const StagePlan& stage) {
  return stage.train_hours + stage.label_hours;
}

double total_hours(const Plan& plan) {
  double hours = 0;
  for (const StagePlan& stage : plan.stages) hours += hours_of(stage);
  return hours;
}

double disk_of_runs(const Plan& plan) {
  double bytes = 0;
  for (const StagePlan& stage : plan.stages)
    bytes += stage.checkpoint_bytes * static_cast<double>(stage.checkpoints_kept);
  return bytes;
}

std::string memory_text(const StagePlan& stage) {
  const auto& [phase, memory] = stage.fullest();
  std::string parts;
  for (const auto& [name, bytes] :
       {std::pair("activations", memory.activations), std::pair("networks", memory.networks),
        std::pair("gradients", memory.gradients), std::pair("optimiser", memory.optimizer),
        std::pair("k-means", memory.clusters), std::pair("CUDA", memory.context),
        std::pair("embeddings", memory.embeddings), std::pair("batches ahead", memory.loader),
        std::pair("checkpoint", memory.checkpoint), std::pair("allocator", memory.allocator),
        std::pair("index", memory.index), std::pair("program", memory.program)})
    if (bytes > 0) parts += concat(parts.empty() ? "" : ", ", name, " ", size_text(bytes));
  const bool trains = &stage.fullest() == &stage.phases.front();
  return concat("memory of a rank, ", stage.name, trains ? "" : " in its " + phase, ": ", parts,
                "\n");
}

// Of the stages that do more than train, the first of each kind.
std::string phases_text(const Plan& plan) {
  std::string text;
  size_t most = 1;
  for (const StagePlan& stage : plan.stages) {
    if (stage.phases.size() <= most) continue;
    most = stage.phases.size();
    std::string parts;
    for (const auto& [name, memory] : stage.phases)
      parts += concat(parts.empty() ? "" : ", ", name, " ", size_text(memory.needed()));
    text += concat("memory by phase, ", stage.name, ": ", parts, "\n");
  }
  return text;
}

}  // namespace

std::string plan_text(const PlanRequest& request, const Plan& plan, const std::string& rate) {
  const RankShape& shape = request.shape;
  const NetworkSize size =
      network_size(plan.stages.front().config, shape.num_mel_bins, shape.num_classes);
  std::string text = concat(
      request.nodes, request.nodes == 1 ? " node x " : " nodes x ", request.ranks_per_node,
      request.ranks_per_node == 1 ? " rank" : " ranks",
      shape.arithmetic.gpu ? " with a GPU each" : "", "; ", shape.num_utts, " utterances of ",
      digits_text(shape.mean_frames), " frames",
      request.usual_data ? " as in VoxCeleb2 (--shards DIR counts yours), " : ", ",
      shape.num_mel_bins, " mel bins; backbone ", digits_text(size.backbone / 1e6),
      " M parameters, head ", digits_text((size.head + size.last) / 1e6), " M\n", rate, "\n\n");
  text += line("%-10s %10s %10s %10s %10s %12s %12s", "stage", "steps", "s/step", "labels h",
               "train h", "memory", "link");
  for (const StagePlan& stage : plan.stages) {
    text += line(
        "%-10s %10lld %10s %10s %10s %12s %12s", stage.name.c_str(),
        static_cast<long long>(stage.steps), digits_text(stage.step_s).c_str(),
        stage.label_hours > 0 ? digits_text(stage.label_hours).c_str() : "",
        digits_text(stage.train_hours).c_str(), size_text(stage.fullest().memory.needed()).c_str(),
        request.nodes > 1 ? (digits_text(stage.needed_link / 1e9) + " Gbit/s").c_str() : "");
  }
  const double hours = total_hours(plan);
  text += line("%-10s %43s h = %s rank hours", "all", digits_text(hours).c_str(),
               digits_text(hours * request.ranks()).c_str());
  text += "\n" + memory_text(fullest(plan)) + phases_text(plan);
  const StagePlan& first = plan.stages.front();
  text +=
      concat("network: ", size_text(first.work.gradient_bytes), " of gradients a step, ",
             first.work.messages, " sums of batch norm of ", size_text(first.work.statistics_bytes),
             " in all; link: what hides the gradients behind backward\n");
  text += concat("reading: at most ",
                 size_text(first.work.feature_bytes * request.ranks_per_node / first.step_s),
                 "/s a node\n");
  text += concat("disk: shards ", size_text(plan.shard_bytes),
                 " (each augmented copy as much again), checkpoints ",
                 size_text(first.checkpoint_bytes), " each, at the end ",
                 size_text(disk_of_runs(plan)), "\n");
  return text;
}

std::string plan_json(const PlanRequest& request, const Plan& plan) {
  JsonArray stages;
  for (const StagePlan& stage : plan.stages) {
    const auto& [phase, memory] = stage.fullest();
    JsonObject phases;
    for (const auto& [name, each] : stage.phases) phases.set(name, each.needed());
    stages.raw(JsonObject()
                   .set("name", stage.name)
                   .set("steps", stage.steps)
                   .set("step_s", stage.step_s)
                   .set("train_hours", stage.train_hours)
                   .set("label_hours", stage.label_hours)
                   .set("operations", stage.work.operations)
                   .set("gradient_bytes", stage.work.gradient_bytes)
                   .set("statistics_bytes", stage.work.statistics_bytes)
                   .set("link_bits_per_s", stage.needed_link)
                   .set("checkpoint_bytes", stage.checkpoint_bytes)
                   .set("checkpoints_kept", stage.checkpoints_kept)
                   .raw("phases", phases.str())
                   .raw("memory", JsonObject()
                                      .set("phase", phase)
                                      .set("activations", memory.activations)
                                      .set("networks", memory.networks)
                                      .set("gradients", memory.gradients)
                                      .set("optimizer", memory.optimizer)
                                      .set("clusters", memory.clusters)
                                      .set("context", memory.context)
                                      .set("embeddings", memory.embeddings)
                                      .set("loader", memory.loader)
                                      .set("checkpoint", memory.checkpoint)
                                      .set("allocator", memory.allocator)
                                      .set("index", memory.index)
                                      .set("program", memory.program)
                                      .set("on_gpu", memory.on_gpu())
                                      .set("on_machine", memory.on_machine())
                                      .set("needed", memory.needed())
                                      .str())
                   .str());
  }
  JsonArray problems;
  for (const std::string& problem : plan.problems) problems.raw(json_string(problem));
  return JsonObject()
      .set("ranks", request.ranks())
      .set("utterances", request.shape.num_utts)
      .set("operations_per_s", request.operations_per_s)
      .set("hours", total_hours(plan))
      .set("rank_hours", total_hours(plan) * request.ranks())
      .set("shard_bytes", plan.shard_bytes)
      .set("run_bytes", disk_of_runs(plan))
      .raw("stages", stages.str())
      .raw("problems", problems.str())
      .str();
}

}  // namespace spc
