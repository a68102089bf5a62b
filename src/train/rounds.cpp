#include "train/rounds.h"

#include <ATen/ATen.h>

#include <map>
#include <optional>

#include "base/clock.h"
#include "base/error.h"
#include "base/json.h"
#include "base/log.h"
#include "base/version.h"
#include "dist/device.h"
#include "store/embeddings.h"
#include "train/checkpoint.h"
#include "train/clustering.h"
#include "train/data_identity.h"
#include "train/extraction.h"
#include "train/resources.h"
#include "train/round_agreement.h"
#include "train/run_checks.h"
#include "train/schedule.h"
#include "train/stage_checks.h"
#include "train/together.h"

namespace spc {
namespace {

// What a round's labels are there for so far.
enum class LabelState : int64_t { kNone, kExtracted, kClustered };

class Rounds {
 public:
  Rounds(const RoundsArguments& arguments, Communicator& comm, Metrics& metrics)
      : arguments_(arguments), run_(arguments.base.run), comm_(comm), metrics_(metrics) {
    stages_ = plan_stages(arguments_);
    if (!arguments_.stage_1.empty()) checkpoints_[kStage1] = arguments_.stage_1;
  }

  TrainEnd run() {
    size_t next = 0;
    on_rank_zero(comm_, "opening the run folder", [&] {
      folder_.emplace(run_);
      next = count_finished();
      describe();
    });
    for (size_t i = share(static_cast<int64_t>(next)); i < stages_.size(); ++i) {
      Stage& stage = stages_[i];
      connect(stage);
      if (comm_.rank() == 0)
        log_info(concat("stage ", i + 1, " of ", stages_.size(), ": ", stage.name));
      const bool last = stage.name == kFinetune;
      metrics_.set("spcnet_train_round",
                   static_cast<double>(last ? arguments_.rounds.count : stage.round));
      const Stopwatch watch;
      if (!prepare(stage)) return TrainEnd::kStopped;
      if (train(stage.train, comm_, &metrics_) == TrainEnd::kStopped) return TrainEnd::kStopped;
      on_rank_zero(comm_, "finishing a stage", [&] {
        checkpoints_[stage.name] = newest_checkpoint(stage);
        folder_->log_json(JsonObject()
                              .set("event", "stage")
                              .set("stage", stage.name)
                              .set("seconds", watch.seconds())
                              .str());
      });
    }
    if (comm_.rank() == 0)
      log_info(concat("all ", stages_.size(), " stages are done; the last one is in ",
                      stages_.back().train.run));
    return TrainEnd::kDone;
  }

 private:
  // Rank 0's number, on every rank.
  size_t share(int64_t number) {
    at::Tensor shared = at::full({1}, number, at::kLong);
    comm_.broadcast(shared, 0, "what is done of a run");
    return static_cast<size_t>(shared.item<int64_t>());
  }

  void describe() {
    JsonArray names;
    for (const Stage& stage : stages_) names.raw(json_string(stage.name));
    folder_->write_description(arguments_.resolved, JsonObject()
                                                        .set("version", version_line())
                                                        .set("world_size", comm_.world_size())
                                                        .raw("stages", names.str())
                                                        .str());
  }

  // The stages in front that are done, after a look at all that can be looked at. Rank 0's alone.
  size_t count_finished() {
    const ShardSet shards = open_shards(arguments_.base.shards, arguments_.base.utts);
    std::optional<ShardSet> noise;
    if (!arguments_.base.noise_shards.empty()) noise.emplace(arguments_.base.noise_shards);
    check_rounds(arguments_, stages_, shards, noise ? &*noise : nullptr, comm_.world_size());
    size_t count = 0;
    for (; count < stages_.size(); ++count) {
      const Stage& stage = stages_[count];
      if (!stage.backbone.empty()) check_inputs(stage, inputs_of(stage));
      const std::optional<TensorFile> saved = newest_valid_checkpoint(stage.train.run);
      if (!saved) break;
      if (stage.round > 0) check_labels(stage);
      const CheckpointInfo info = read_info(*saved);
      const RunConfig& config = stage.train.config;
      const auto labels = read_labels_if_given(stage.train.labels, shards);
      Sampler order(static_cast<int64_t>(shards.utts().size()),
                    static_cast<uint64_t>(config.train.seed));
      check_continues(saved->path(), info, stage.train.resolved,
                      data_identity(shards, noise ? &*noise : nullptr, labels ? &*labels : nullptr),
                      next_batch_hash(shards, order, info.step, config.train.batch_size));
      if (info.step < last_step(config, static_cast<int64_t>(shards.utts().size()))) break;
      checkpoints_[stage.name] = saved->path();
      log_info(concat(stage.name, " is done: ", saved->path().string()));
    }
    return count;
  }

  [[nodiscard]] static std::filesystem::path newest_checkpoint(const Stage& stage) {
    const std::optional<TensorFile> newest = newest_valid_checkpoint(stage.train.run);
    SPC_CHECK(newest, stage.name, " has left no checkpoint in ", stage.train.run);
    return newest->path();
  }

  // Tells the stage what came out of those before it. Collective.
  void connect(Stage& stage) {
    for (const std::string& name : {stage.previous, stage.backbone})
      if (!name.empty())
        checkpoints_[name] = broadcast_text(comm_, checkpoints_[name].string(), 0, "a checkpoint");
    if (!stage.backbone.empty()) stage.train.init_from = checkpoints_[stage.backbone];
    if (stage.name == kFinetune) stage.train.head_init = checkpoints_[stage.backbone];
  }

  // The stages before it are done.
  [[nodiscard]] StageInputs inputs_of(const Stage& stage) const {
    StageInputs inputs;
    if (!stage.backbone.empty())
      inputs.emplace_back("backbone", checkpoint_identity(checkpoints_.at(stage.backbone), run_));
    if (stage.round > 0)
      inputs.emplace_back("embeddings", checkpoint_identity(checkpoints_.at(stage.previous), run_));
    return inputs;
  }

  // Rank 0's alone. @throws Error  a file of the clusters is missing
  static void check_labels(const Stage& stage) {
    const std::filesystem::path folder = stage.train.run;
    for (const char* name : {"labels", "centroids.h5"})
      SPC_CHECK(std::filesystem::exists(folder / name), "no ", (folder / name).string(),
                ", though the clustering is done; remove ", folder.string(),
                " and the stages after it to have them made again");
  }

  // Rank 0's alone.
  [[nodiscard]] static LabelState label_state(const Stage& stage) {
    const std::filesystem::path folder = stage.train.run;
    if (std::filesystem::exists(folder / "summary.json")) {
      check_labels(stage);
      return LabelState::kClustered;
    }
    if (!std::filesystem::exists(folder / "embeddings.h5")) return LabelState::kNone;
    try {
      (void)EmbeddingsFile(folder / "embeddings.h5").utts();
    } catch (const Error& error) {
      log_warning(concat(error.what(), "; they are made again"));
      return LabelState::kNone;
    }
    return LabelState::kExtracted;
  }

  // What training begins with. Its own index of the shards takes the place of this one.
  // @returns false when it was asked to stop
  bool prepare(const Stage& stage) {
    if (stage.backbone.empty()) return true;
    const ShardSet shards = open_shards(arguments_.base.shards, arguments_.base.utts);
    on_rank_zero(comm_, "comparing the inputs of " + stage.name, [&] {
      StageInputs inputs = planned_inputs(stage, arguments_.rounds, shards);
      for (const auto& input : inputs_of(stage)) inputs.push_back(input);
      check_inputs(stage, inputs);
      keep_inputs(stage, inputs);
    });
    return stage.round == 0 || make_labels(stage, shards);
  }

  // @returns false when it was asked to stop
  bool make_labels(const Stage& stage, const ShardSet& shards) {
    const std::filesystem::path folder = stage.train.run;
    auto state = LabelState::kNone;
    on_rank_zero(comm_, "looking for labels", [&] { state = label_state(stage); });
    state = static_cast<LabelState>(share(static_cast<int64_t>(state)));
    if (state < LabelState::kExtracted && !extract(stage, shards)) return false;
    if (state < LabelState::kClustered && !cluster(stage)) return false;
    on_rank_zero(comm_, "comparing labels", [&] {
      if (std::filesystem::exists(folder / "agreement.json")) return;
      const bool has_previous = stage.round > 1;
      const std::filesystem::path previous =
          has_previous ? run_ / stage.previous / "labels" : std::filesystem::path();
      report_agreement(folder, {shards, arguments_.recordings, previous}, *folder_, metrics_);
    });
    return true;
  }

  bool extract(const Stage& stage, const ShardSet& shards) {
    const TensorFile checkpoint = open_checkpoint(checkpoints_.at(stage.previous));
    Extraction extraction{trained_config(checkpoint).config, &checkpoint, arguments_.rounds.extract,
                          std::filesystem::path(stage.train.run) / "embeddings.h5",
                          checkpoint.path().string()};
    extraction.config.train.threads = stage.train.config.train.threads;
    extraction.config.train.device = stage.train.config.train.device;
    extraction.config.dist = stage.train.config.dist;
    metrics_.set_state("spcnet_run_state", "extract");
    const Stopwatch watch;
    const bool done = extract_to_file(extraction, shards, comm_);
    metrics_.set("spcnet_cluster_duration_seconds", watch.seconds(), {"extract"});
    return done;
  }

  bool cluster(const Stage& stage) {
    const std::filesystem::path folder = stage.train.run;
    const RunConfig& config = stage.train.config;
    const bool deterministic = config.dist.deterministic;
    set_compute_threads(deterministic ? 1 : config.train.threads, comm_);
    metrics_.set_state("spcnet_run_state", "cluster");
    const Stopwatch watch;
    const std::optional<ClusterSummary> summary = cluster_embeddings(
        folder / "embeddings.h5", folder, arguments_.rounds.cluster,
        deterministic ? c10::kCPU : choose_device(config.train.device, comm_), comm_);
    metrics_.set("spcnet_cluster_duration_seconds", watch.seconds(), {"cluster"});
    if (!summary) return false;
    metrics_.add("spcnet_cluster_runs_total", 1);
    metrics_.set("spcnet_cluster_objective", summary->objective);
    metrics_.set("spcnet_cluster_passes", static_cast<double>(summary->passes));
    metrics_.set("spcnet_cluster_clusters", static_cast<double>(summary->clusters));
    metrics_.set("spcnet_cluster_last_timestamp_seconds", seconds_since_1970());
    for (const auto& [stat, size] : {std::pair("min", summary->smallest),
                                     {"p10", summary->p10},
                                     {"median", summary->median},
                                     {"p90", summary->p90},
                                     {"max", summary->largest}})
      metrics_.set("spcnet_cluster_size", static_cast<double>(size), {stat});
    return true;
  }

  const RoundsArguments& arguments_;
  std::filesystem::path run_;
  Communicator& comm_;
  Metrics& metrics_;
  std::vector<Stage> stages_;
  std::optional<RunFolder> folder_;                           // rank 0
  std::map<std::string, std::filesystem::path> checkpoints_;  // of the stages that are done
};

}  // namespace

TrainEnd train_in_rounds(const RoundsArguments& arguments, Communicator& comm, Metrics& metrics) {
  check_same_config(arguments.resolved, comm);
  return Rounds(arguments, comm, metrics).run();
}

}  // namespace spc
