#include "train/stages.h"

#include <algorithm>
#include <charconv>
#include <limits>
#include <optional>
#include <utility>

#include "base/error.h"
#include "train/checkpoint.h"

namespace spc {
namespace {

constexpr std::string_view kRoundPrefix = "round-";

// Place of a folder among the stages: 0, 1, ..., the last one; -1 when it is none.
int64_t place_of(const std::string& folder) {
  if (folder == kStage1) return 0;
  if (folder == kFinetune) return std::numeric_limits<int64_t>::max();
  if (!folder.starts_with(kRoundPrefix)) return -1;
  int64_t round = -1;
  const char* end = folder.data() + folder.size();
  const auto [at, problem] = std::from_chars(folder.data() + kRoundPrefix.size(), end, round);
  return problem == std::errc() && at == end && round >= 1 ? round : -1;
}

void set_config(Stage& stage, const FullConfig& full) {
  stage.train.config = full.config;
  stage.train.resolved = full.resolved;
}

// Gives the keys that follow from the place of a stage, unless they are given.
KeyChanges with_defaults(KeyChanges changes, const RoundsArguments& arguments, int64_t place,
                         double epochs) {
  changes["train.objective"] = "pseudo_label";
  changes["train.epochs"] = to_text(epochs);
  changes.emplace("views.num_global", "1");
  changes.emplace("views.num_local", "0");
  changes.emplace("train.seed", std::to_string(arguments.base.config.train.seed + place));
  return changes;
}

}  // namespace

std::vector<Stage> plan_stages(const RoundsArguments& arguments) {
  const RoundsConfig& rounds = arguments.rounds;
  const std::filesystem::path run = arguments.base.run;
  const FullConfig stage_1{arguments.base.config, arguments.base.resolved};
  SPC_USAGE_CHECK(stage_1.config.train.objective == "dino", "rounds.count = ", rounds.count,
                  " needs train.objective = dino, for stage 1");
  SPC_USAGE_CHECK(arguments.base.labels.empty() && arguments.base.head_init.empty(),
                  "--labels and --head-init are for a run without rounds: rounds make their own "
                  "labels");
  SPC_USAGE_CHECK(arguments.stage_1.empty() || arguments.base.init_from.empty(),
                  "--init-from is where stage 1 starts, --stage-1 takes its place; give one");
  const auto stage_named = [&](const std::string& name) {
    Stage stage{name, 0, "", "", arguments.base};
    stage.train.run = (run / name).string();
    return stage;
  };
  std::vector<Stage> stages;
  if (arguments.stage_1.empty()) stages.push_back(stage_named(kStage1));
  std::string previous = kStage1;
  for (int64_t round = 1; round <= rounds.count; ++round) {
    Stage stage = stage_named(concat(kRoundPrefix, round));
    stage.round = round;
    stage.previous = previous;
    stage.backbone = rounds.backbone == "previous" ? previous : kStage1;
    set_config(stage,
               with_changes(stage_1,
                            with_defaults(rounds.round, arguments, round, rounds.epochs_per_round),
                            "round"));
    stage.train.init_from.clear();
    stage.train.labels = run / stage.name / "labels";
    stage.train.head_init = run / stage.name / "centroids.h5";
    previous = stage.name;
    stages.push_back(std::move(stage));
  }
  if (rounds.finetune_epochs > 0) {
    Stage stage = stage_named(kFinetune);
    stage.previous = previous;
    stage.backbone = previous;
    KeyChanges changes = rounds.finetune;
    changes.insert(rounds.round.begin(), rounds.round.end());
    set_config(stage, with_changes(stage_1,
                                   with_defaults(std::move(changes), arguments, rounds.count + 1,
                                                 rounds.finetune_epochs),
                                   "finetune"));
    stage.train.init_from.clear();
    stage.train.labels = run / previous / "labels";
    stages.push_back(std::move(stage));
  }
  return stages;
}

TrainArguments stage_to_look_at(const RoundsArguments& arguments) {
  if (arguments.rounds.count == 0) return arguments.base;
  const std::vector<Stage> stages = plan_stages(arguments);
  const auto newest = std::find_if(stages.rbegin(), stages.rend(), [](const Stage& stage) {
    return !list_checkpoints(stage.train.run).empty();
  });
  return newest == stages.rend() ? arguments.base : newest->train;
}

std::filesystem::path newest_stage(const std::filesystem::path& run) {
  std::filesystem::path newest = run;
  int64_t newest_place = -1;
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(run, error)) {
    const int64_t place = place_of(entry.path().filename().string());
    if (place <= newest_place || list_checkpoints(entry.path()).empty()) continue;
    newest = entry.path();
    newest_place = place;
  }
  return newest;
}

TensorFile open_trained(const std::filesystem::path& run, const std::filesystem::path& file) {
  if (!file.empty()) return open_checkpoint(file);
  std::optional<TensorFile> newest = newest_valid_checkpoint(newest_stage(run));
  SPC_CHECK(newest, "no checkpoint in ", run.string(),
            "/checkpoints; train first, or give --checkpoint F");
  return std::move(*newest);
}

void check_kind_of_run(const std::filesystem::path& run, bool rounds) {
  SPC_CHECK(!rounds || list_checkpoints(run).empty(), run.string(),
            " holds a run without rounds; name another --run, and give its checkpoint as --stage-1 "
            "if it is to take the place of stage 1");
  SPC_CHECK(rounds || newest_stage(run) == run, run.string(),
            " holds a run with rounds; go on with rounds.count > 0, or name another --run");
}

}  // namespace spc
