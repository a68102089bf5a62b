// What a run will need and how long it will take, stage by stage, before it is paid for.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "plan/memory.h"
#include "plan/phases.h"
#include "plan/workload.h"
#include "train/rounds_config.h"

namespace spc {

struct PlanRequest {
  FullConfig train;  // of stage 1, or of the only one
  RoundsConfig rounds;
  int nodes = 1;
  int ranks_per_node = 1;       // a GPU each, or a share of the cores
  RankShape shape;              // of every stage: the data, and in what it is computed
  bool usual_data = false;      // the data are VoxCeleb2's, as nobody gave any
  double memory_limit = 0;      // bytes: of a GPU, or of a machine for all of its ranks
  double operations_per_s = 0;  // of a rank, in training
  double link_bits_per_s = 0;   // of a node; 0: not known

  [[nodiscard]] int ranks() const { return nodes * ranks_per_node; }
};

struct StagePlan {
  std::string name;
  RunConfig config;
  int64_t steps = 0;
  std::vector<PhaseMemory> phases;  // training, which is the first, and what else it does
  StepWork work;                    // of a rank's step
  double step_s = 0;
  double train_hours = 0;
  double label_hours = 0;        // extraction and clustering in front of a round
  double checkpoint_bytes = 0;   // of one
  int64_t checkpoints_kept = 0;  // at its end
  double needed_link = 0;  // bits a second of a node with which gradients hide behind backward

  [[nodiscard]] const PhaseMemory& fullest() const;
};

struct Plan {
  std::vector<StagePlan> stages;
  double shard_bytes = 0;
  std::vector<std::string> problems;  // why it cannot run: what, and what to change
};

/// @throws UsageError  keys that no stage could be run with
Plan make_plan(const PlanRequest& request);

/// As a table with its assumptions; `rate` tells where operations_per_s comes from.
std::string plan_text(const PlanRequest& request, const Plan& plan, const std::string& rate);
std::string plan_json(const PlanRequest& request, const Plan& plan);

}  // namespace spc
