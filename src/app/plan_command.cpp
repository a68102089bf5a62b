#include <iostream>

#include "app/commands.h"
#include "app/ranks.h"
#include "base/error.h"
#include "base/process.h"
#include "dist/device.h"
#include "plan/plan.h"
#include "plan/sizes.h"
#include "train/precision.h"
#include "train/resources.h"
#include "train/trial_steps.h"

namespace spc {
namespace {

constexpr double kFramesPerSecond = 100;
constexpr double kGiB = 1 << 30;
constexpr int64_t kUsualUtterances = 1092009;  // VoxCeleb2's development part: 2,360 hours

// What no machine has is a slip of the pen.
void check_range(const char* flag, double value, double low, double high) {
  SPC_USAGE_CHECK(value >= low && value <= high, flag, " = ", value, ", must be ", to_text(low),
                  " to ", to_text(high));
}

struct PlanFlags {
  int nodes = 1;
  int ranks_per_node = 1;
  std::vector<std::string> shards;
  int64_t utterances = kUsualUtterances;
  double mean_seconds = 7.8;
  int64_t classes = 5994;
  int64_t eval_utterances = 0;
  bool measure = false;
  double tflops = 0;
  double efficiency = 0.3;
  double memory_gib = 0;
  double link_gbit = 100;
  bool json = false;

  void add_to(OptionSet& options) {
    options.add("nodes", nodes, "machines");
    options.add("gpus-per-node", ranks_per_node,
                "ranks of a machine: a GPU each, or without GPUs a share of its cores");
    options.add("shards", shards, "folder of shards, whose utterances are counted; may repeat");
    options.add("utterances", utterances, "without --shards: how many; VoxCeleb2 has so many");
    options.add("mean-seconds", mean_seconds, "without --shards: their mean length");
    options.add("classes", classes, "of a run on given labels");
    options.add("eval-utterances", eval_utterances,
                "of the lists that training is watched by (--trials); 4708 are in Vox1-O");
    options.add_switch(
        "measure", measure,
        "make a few steps here to learn how fast a rank is; under mpirun with ranks");
    options.add("tflops", tflops, "instead: the rate of a card in train.precision, TFLOP/s");
    options.add("efficiency", efficiency, "with --tflops: the share of it that training reaches");
    options.add("memory-gib", memory_gib,
                "of a GPU, or of a machine without; with --measure, what is here, or a control "
                "group (Slurm, a container) allows");
    options.add("link-gbit", link_gbit, "network of a machine, Gbit/s");
    options.add_switch("json", json, "print JSON");
    options.add_check([this] { validate(); });
  }
  void validate() const {
    SPC_USAGE_CHECK(nodes >= 1 && ranks_per_node >= 1 && utterances >= 1 && classes >= 2 &&
                        eval_utterances >= 0,
                    "--nodes, --gpus-per-node, --utterances must be > 0, --classes > 1, "
                    "--eval-utterances >= 0");
    check_range("--mean-seconds", mean_seconds, 0.1, 1e5);
    check_range("--link-gbit", link_gbit, 1e-3, 1e6);
    if (tflops != 0) check_range("--tflops", tflops, 1e-3, 1e5);
    if (memory_gib != 0) check_range("--memory-gib", memory_gib, 0.01, 1e6);
    SPC_USAGE_CHECK(measure != (tflops > 0),
                    "give --measure, to time a few steps on this machine, or --tflops R, the rate "
                    "of a card");
    SPC_USAGE_CHECK(efficiency > 0 && efficiency <= 1, "--efficiency = ", efficiency,
                    ", must be in (0, 1]");
  }
};

void take_shards(const PlanFlags& flags, PlanRequest& request) {
  RankShape& shape = request.shape;
  const int bins = request.train.config.num_mel_bins;
  constexpr int64_t kUsualBins = 80;
  shape.num_mel_bins = bins > 0 ? bins : kUsualBins;
  shape.num_utts = flags.utterances;
  shape.mean_frames = flags.mean_seconds * kFramesPerSecond;
  shape.eval_utts = flags.eval_utterances;
  request.usual_data = flags.shards.empty() && flags.utterances == kUsualUtterances;
  if (flags.shards.empty()) return;
  const ShardSet shards(flags.shards);
  double frames = 0;
  for (const UtteranceEntry& entry : shards.utts()) {
    frames += static_cast<double>(entry.num_frames);
    shape.utt_frames.push_back(entry.num_frames);
  }
  shape.num_utts = static_cast<int64_t>(shards.utts().size());
  shape.mean_frames = frames / static_cast<double>(shape.num_utts);
  shape.num_mel_bins = shards.num_mel_bins();
}

Arithmetic arithmetic_of(Precision precision, bool gpu) {
  switch (precision) {
    case Precision::kBf16:
      return {2, 4, gpu};
    case Precision::kFp64:
      return {8, 8, gpu};
    case Precision::kFp32:
      break;
  }
  return {4, 4, gpu};
}

// Cards of today have bf16.
std::string take_stated_rate(const PlanFlags& flags, PlanRequest& request) {
  const TrainConfig& train = request.train.config.train;
  const bool gpu = train.device != "cpu";
  const Precision precision =
      train.precision == "auto" ? Precision::kBf16 : parse_precision(train.precision);
  SPC_USAGE_CHECK(flags.memory_gib > 0, "--memory-gib M is missing: the memory of a ",
                  gpu ? "GPU" : "machine");
  request.shape.arithmetic = arithmetic_of(precision, gpu);
  request.operations_per_s = flags.tflops * 1e12 * flags.efficiency;
  return concat("rate: ", digits_text(flags.tflops), " TFLOP/s in ", to_text(precision),
                ", as stated, x ", to_text(flags.efficiency),
                " that training is taken to reach; --measure knows better");
}

std::string measure_rate(PlanRequest& request, Communicator& comm) {
  const RunConfig& config = request.train.config;
  const c10::Device device = choose_device(config.train.device, comm);
  const std::unique_ptr<Communicator> all =
      make_device_communicator(comm, device, config.dist.timeout_s);
  set_compute_threads(config.train.threads, comm);
  const Precision precision = resolve_precision(config.train.precision, device, comm);
  request.shape.arithmetic = arithmetic_of(precision, !device.is_cpu());
  const double here = device.is_cpu() ? static_cast<double>(machine_memory_bytes())
                                      : static_cast<double>(gpu_memory(device).total);
  if (request.memory_limit == 0) request.memory_limit = here;
  const int64_t rows =
      rows_to_try(config, request.shape, device.is_cpu() ? here / comm.local_size() : here);
  const double seconds = seconds_of_trial_step(
      config, {rows, request.shape.num_mel_bins, request.shape.num_classes}, device, *all);
  request.operations_per_s = step_work(config, request.shape, rows).operations / seconds;
  return concat("rate: ", digits_text(request.operations_per_s / 1e12), " TFLOP/s a rank in ",
                to_text(precision), ", measured here: ", digits_text(seconds), " s for a step of ",
                rows, " utterances a rank on ", comm.world_size(),
                comm.world_size() == 1 ? " rank" : " ranks");
}

int print(const PlanFlags& flags, const PlanRequest& request, const std::string& rate) {
  const Plan plan = make_plan(request);
  std::cout << (flags.json ? plan_json(request, plan) + "\n" : plan_text(request, plan, rate));
  std::cout.flush();
  std::string problems;
  for (const std::string& problem : plan.problems)
    problems += (problems.empty() ? "" : "\n  ") + problem;
  SPC_CHECK(plan.problems.empty(), "it cannot run: ", problems);
  return kExitDone;
}

}  // namespace

int plan_command(const Arguments& arguments) {
  OptionSet options(
      "usage: spcnet plan --config F --nodes N --gpus-per-node G (--measure | --tflops R "
      "--memory-gib M) [--section.key value ...]\n"
      "  spcnet plan --config configs/vox2_dlg_lc.conf --nodes 2 --gpus-per-node 4 --tflops 312 "
      "--memory-gib 80\n"
      "Memory of a rank, steps, hours, network and disk of a run, stage by stage, before it is "
      "started. Exit code 1 when it cannot fit. Hours are those of computing and of gradients that "
      "nothing hides: not of evaluation, waiting for data, queues. Memory is that of the fullest "
      "phase: training, evaluation where it is said how many utterances it has, and what is in "
      "front "
      "of a round.");
  PlanFlags flags;
  PlanRequest request;
  flags.add_to(options);
  request.train.config.add_to(options);
  request.rounds.add_to(options);
  if (!options.parse(arguments)) return kExitDone;
  OptionSet keys_of_a_run("");
  RunConfig config = request.train.config;
  config.add_to(keys_of_a_run);
  request.train.resolved = keys_of_a_run.resolved();
  request.nodes = flags.nodes;
  request.ranks_per_node = flags.ranks_per_node;
  request.memory_limit = flags.memory_gib * kGiB;
  request.link_bits_per_s = flags.link_gbit * 1e9;
  take_shards(flags, request);
  request.shape.ranks = request.ranks();
  request.shape.num_classes =
      request.rounds.count > 0 ? request.rounds.cluster.num_clusters : flags.classes;
  if (!flags.measure) return print(flags, request, take_stated_rate(flags, request));
  return with_ranks(request.train.config.dist.timeout_s, [&](Communicator& comm) {
    const std::string rate = measure_rate(request, comm);
    return comm.rank() == 0 ? print(flags, request, rate) : kExitDone;
  });
}

}  // namespace spc
