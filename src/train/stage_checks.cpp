#include "train/stage_checks.h"

#include <algorithm>
#include <map>
#include <optional>
#include <unordered_set>

#include "base/error.h"
#include "base/file.h"
#include "pseudo/labels.h"
#include "train/checkpoint.h"
#include "train/data_identity.h"
#include "train/extraction.h"
#include "train/run_checks.h"

namespace spc {
namespace {

constexpr const char* kInputsFile = "inputs.txt";

std::string how_to_go_on(const Stage& stage) {
  return concat("; go back to the former, or remove ", stage.train.run,
                " and the stages after it to have them made again");
}

std::map<std::string, std::string> read_inputs(const std::filesystem::path& path) {
  std::map<std::string, std::string> inputs;
  for (const std::string& line : read_lines(path)) {
    const size_t equals = line.find(" = ");
    if (equals != std::string::npos) inputs[line.substr(0, equals)] = line.substr(equals + 3);
  }
  return inputs;
}

void check_stage_1(const RoundsArguments& arguments, const ShardSet& shards) {
  const TensorFile checkpoint = open_checkpoint(arguments.stage_1);
  check_features(checkpoint, shards);
  const FullConfig trained = trained_config(checkpoint);
  const ResolvedConfig& now = arguments.base.resolved;
  for (const auto& [key, value] : trained.resolved) {
    if (!key.starts_with("model.")) continue;
    const auto ours = std::find(now.begin(), now.end(), std::pair(key, value));
    SPC_USAGE_CHECK(ours != now.end(), "--stage-1 ", arguments.stage_1, " was trained with ", key,
                    " = ", value, "; give the same key");
  }
}

void check_recordings(const std::string& path, const ShardSet& shards) {
  const Labels recordings = read_labels(path);
  const std::unordered_set<std::string> known(recordings.utts.begin(), recordings.utts.end());
  const auto& utts = shards.utts();
  SPC_USAGE_CHECK(
      std::any_of(utts.begin(), utts.end(),
                  [&](const UtteranceEntry& entry) { return known.contains(entry.utt); }),
      "--recordings ", path, " names none of the utterances of the shards, such as ",
      utts.front().utt);
}

void check_config(const Stage& stage) {
  const std::vector<std::filesystem::path> checkpoints = list_checkpoints(stage.train.run);
  if (checkpoints.empty()) return;
  std::string list;
  const CheckpointInfo info = read_info(open_checkpoint(checkpoints.front()));
  for (const std::string& difference : config_differences(info.config, stage.train.resolved))
    list += (list.empty() ? "" : "; ") + difference;
  SPC_CHECK(list.empty(), checkpoints.front().string(),
            " was written with another configuration: ", list, how_to_go_on(stage));
}

}  // namespace

StageInputs planned_inputs(const Stage& stage, const RoundsConfig& rounds, const ShardSet& shards) {
  StageInputs inputs{{"backbone_of", stage.backbone}};
  if (stage.round == 0) return inputs;
  inputs.insert(inputs.end(), {{"embeddings_of", stage.previous},
                               {"utterances", fingerprint(shards, nullptr)},
                               {"extract", concat("batch_frames ", rounds.extract.batch_frames,
                                                  ", max_frames ", rounds.extract.max_frames)},
                               {"cluster", rounds.cluster.text()}});
  return inputs;
}

std::string checkpoint_identity(const std::filesystem::path& checkpoint,
                                const std::filesystem::path& run) {
  const auto path = std::filesystem::weakly_canonical(checkpoint);
  const std::string relative = path.lexically_relative(std::filesystem::weakly_canonical(run));
  return concat(relative.starts_with("..") ? path.string() : relative, ", crc32c ",
                open_checkpoint(checkpoint).crc32c());
}

void check_inputs(const Stage& stage, const StageInputs& inputs) {
  const std::filesystem::path folder = stage.train.run;
  if (!std::filesystem::exists(folder / kInputsFile)) {
    for (const char* product : {"embeddings.h5", "summary.json", "checkpoints"})
      SPC_CHECK(!std::filesystem::exists(folder / product), folder.string(), " holds ", product,
                " but no ", kInputsFile, ", so it was not made by a run with rounds; remove it");
    return;
  }
  const std::map<std::string, std::string> before = read_inputs(folder / kInputsFile);
  std::string differences;
  for (const auto& [key, value] : inputs) {
    const auto found = before.find(key);
    if (found == before.end() || found->second == value) continue;
    differences += concat(differences.empty() ? "" : "; ", key, ": ", found->second, " -> ", value);
  }
  SPC_CHECK(differences.empty(), folder.string(), " was made of other inputs: ", differences,
            how_to_go_on(stage));
}

void keep_inputs(const Stage& stage, const StageInputs& inputs) {
  const std::filesystem::path folder = stage.train.run;
  if (std::filesystem::exists(folder / kInputsFile)) return;
  std::filesystem::create_directories(folder);
  std::string text;
  for (const auto& [key, value] : inputs) text += concat(key, " = ", value, "\n");
  write_text_atomically(folder / kInputsFile, text);
}

void check_rounds(const RoundsArguments& arguments, const std::vector<Stage>& stages,
                  const ShardSet& shards, const ShardSet* noise, int ranks) {
  const auto num_utts = static_cast<int64_t>(shards.utts().size());
  const int64_t clusters = arguments.rounds.cluster.num_clusters;
  SPC_USAGE_CHECK(clusters >= 2 && clusters <= num_utts, "cluster.num_clusters = ", clusters,
                  " for ", num_utts, " utterances; set it between 2 and that");
  if (!arguments.stage_1.empty()) check_stage_1(arguments, shards);
  if (!arguments.recordings.empty()) check_recordings(arguments.recordings, shards);
  for (const Stage& stage : stages) {
    with_context(stage.name, [&] {
      check_ranks(stage.train.config, ranks);
      check_data(stage.train.config, shards, noise);
    });
    check_config(stage);
    if (!stage.backbone.empty())
      check_inputs(stage, planned_inputs(stage, arguments.rounds, shards));
  }
}

}  // namespace spc
