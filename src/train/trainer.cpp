#include "train/trainer.h"

#include <ATen/Parallel.h>
#include <torch/version.h>

#include <cmath>

#include "base/clock.h"
#include "base/error.h"
#include "base/json.h"
#include "base/log.h"
#include "base/process.h"
#include "base/version.h"
#include "train/coverage.h"
#include "train/data_identity.h"
#include "train/dino_objective.h"
#include "train/first_weights.h"
#include "train/label_objective.h"
#include "train/label_report.h"
#include "train/label_truth.h"
#include "train/replicas.h"
#include "train/resources.h"
#include "train/run_checks.h"
#include "train/together.h"

namespace spc {

Trainer::Trainer(const TrainArguments& arguments, c10::Device device, Communicator& comm,
                 Watchdog& watchdog, Metrics* metrics)
    : arguments_(arguments),
      config_(arguments.config),
      device_(device),
      comm_(comm),
      watchdog_(watchdog),
      metrics_(metrics, config_, device, comm),
      shards_(open_shards(arguments.shards, arguments.utts)),
      labels_(read_labels_if_given(arguments.labels, shards_)),
      order_(static_cast<int64_t>(shards_.utts().size()),
             static_cast<uint64_t>(config_.train.seed)),
      schedule_(config_, order_.num_utts()) {
  if (!arguments.noise_shards.empty()) noise_.emplace(arguments.noise_shards);
  const ShardSet* noise = noise_ ? &*noise_ : nullptr;
  data_ = data_identity(shards_, noise, labels_ ? &*labels_ : nullptr);
  check_data(config_, shards_, noise);
  lists_ = parse_trial_lists(arguments.trials);
  if (!lists_.empty())
    evaluation_.emplace(
        lists_, arguments.eval_shards.empty() ? arguments.shards : arguments.eval_shards, shards_);
  on_rank_zero(comm, "opening the run folder", [&] {
    folder_.emplace(arguments.run);
    saved_ = newest_valid_checkpoint(arguments.run);
    if (saved_) set_aside_later(arguments.run, read_info(*saved_).step);
  });
  set_compute_threads(config_.dist.deterministic ? 1 : config_.train.threads, comm);
  take_over_or_start();
  objective_ = make_objective();
  optimizer_ = make_optimizer(config_.optim, objective_->parameters());
  load_or_init();
}

// What the checkpoint says goes first: it must fit this configuration, and its resolved precision
// is kept.
void Trainer::take_over_or_start() {
  std::string precision = config_.train.precision;
  on_rank_zero(comm_, "comparing with the checkpoint", [&] {
    if (!saved_) return;
    const CheckpointInfo info = read_info(*saved_);
    check_continues(saved_->path(), info, arguments_.resolved, data_, next_batch(info.step));
    precision = info.precision;
    step_ = info.step;
    const EvalHistory history =
        read_eval_history(std::filesystem::path(arguments_.run) / "train.jsonl", step_);
    metrics_.take_over(history);
    if (!lists_.empty()) best_ = BestNetwork(arguments_.run, history, lists_[0].name);
    const bool of_all_lists = std::all_of(lists_.begin(), lists_.end(), [&](const TrialList& list) {
      return history.last_lists.contains(list.name);
    });
    if (of_all_lists) evaluated_step_ = history.last_step;
  });
  at::Tensor steps = at::tensor({step_, evaluated_step_}, at::kLong);
  comm_.broadcast(steps, 0, "step of the checkpoint");
  step_ = steps[0].item<int64_t>();
  evaluated_step_ = steps[1].item<int64_t>();
  precision_ = resolve_precision(broadcast_text(comm_, precision, 0, "precision"), device_, comm_);
}

std::unique_ptr<Objective> Trainer::make_objective() {
  const int64_t bins = shards_.num_mel_bins();
  if (!labels_) return std::make_unique<DinoObjective>(config_, bins, precision_, device_, comm_);
  LabelObjective::OnEpoch on_epoch;
  if (comm_.rank() == 0)
    on_epoch = [this, truth = LabelTruth(*labels_, speaker_numbers(shards_))](
                   LabelReport report, const at::Tensor& losses, const at::Tensor& decisions) {
      report.quality = truth.judge(decisions);
      report_labels(report, losses, *labels_, *folder_);
      metrics_.add_labels(report, losses);
      save_losses(arguments_.run, shards_, report.epoch, losses, decisions);
    };
  return std::make_unique<LabelObjective>(config_, bins, *labels_, precision_, device_, comm_,
                                          on_epoch);
}

TensorTable Trainer::state() const {
  TensorTable all = objective_->state();
  for (const NamedTensor& each : optimizer_->state())
    all.push_back({"optimizer." + each.name, each.tensor, false});
  return all;
}

void Trainer::load_or_init() {
  on_rank_zero(comm_, "loading", [&] {
    if (saved_) {
      load_tensors(*saved_, "", state());
      log_info(concat("continuing from ", saved_->path().string()));
      if (!arguments_.init_from.empty())
        log_warning("--init-from has no effect: the run goes on from its own checkpoint");
    } else if (!arguments_.init_from.empty()) {
      init_backbones_from(arguments_.init_from, objective_->state());
    }
    if (!saved_ && !arguments_.head_init.empty())
      init_head_from(arguments_.head_init, *labels_, objective_->state());
    saver_.emplace(arguments_.run, config_.checkpoint, saved_ ? step_ : -1,
                   [this](double seconds, int64_t bytes, bool good) {
                     metrics_.add_written(seconds, bytes, good);
                   });
    saved_.reset();
  });
  broadcast_tensors(comm_, state());
}

void Trainer::describe() {
  const int threads = at::get_num_threads();
  log_info(version_line());
  log_info(concat(shards_.utts().size(), " utterances, ", shards_.num_mel_bins(), " mel bins; ",
                  comm_.world_size(), config_.dist.deterministic ? " leaves x " : " ranks x ",
                  threads, " threads", device_.is_cpu() ? "" : " and a GPU", ", ",
                  to_text(precision_), "; ", num_parameters(objective_->parameters()),
                  " parameters"));
  if (config_.train.cuda_graphs && (device_.is_cpu() || !objective_->repeatable()))
    log_warning("train.cuda_graphs has no effect here: it is for DINO on a GPU");
  log_info(concat("steps ", step_, " to ", end_step(), " of ", schedule_.total_steps(), ", batch ",
                  config_.train.batch_size, "; learning rate ", to_text(schedule_.peak_lr()),
                  " -> ", to_text(schedule_.final_lr()),
                  config_.optim.scale_lr ? " (scaled by batch_size / 256)" : ""));
  JsonObject json;
  json.set("started", utc_now())
      .set("version", version_line())
      .set("torch", TORCH_VERSION)
      .set("world_size", comm_.world_size())
      .set("threads", threads)
      .set("device", c10::DeviceTypeName(device_.type(), true));
  json.set("precision", to_text(precision_))
      .set("seed", config_.train.seed)
      .set("data", data_)
      .set("fbank", shards_.fbank());
  json.set("parameters", num_parameters(objective_->parameters())).set("first_step", step_);
  json.set("uniform_loss", objective_->uniform_loss());
  folder_->write_description(arguments_.resolved, json.str());
  if (step_ > 0) folder_->log_json(JsonObject().set("event", "continued").set("step", step_).str());
}

void Trainer::compare_with_other_ranks() {
  if (config_.dist.sentinel_steps == 0 || compared_step_ == step_) return;
  TensorTable replicated;
  for (const NamedTensor& each : state())  // without shared statistics each rank has its own
    if (config_.train.sync_bn || each.name.find(".running_") == std::string::npos)
      replicated.push_back(each);
  with_context(concat("after step ", step_), [&] { compare_replicas(comm_, replicated); });
  compared_step_ = step_;
}

// Whether there is something to save, on rank 0. Collective.
bool Trainer::ready_to_save() {
  // Not amid a streak of bad steps: the update before it may be what broke the network.
  if (skipped_in_a_row_ > 0) return false;
  watchdog_.enter("saving", step_);
  compare_with_other_ranks();
  return comm_.rank() == 0;
}

CheckpointInfo Trainer::checkpoint_info() {
  return {step_,
          step_ * config_.train.batch_size,
          shards_.num_mel_bins(),
          shards_.fbank(),
          objective_->network(),
          to_ini(arguments_.resolved),
          to_text(precision_),
          data_,
          version_line(),
          next_batch(step_)};
}

void Trainer::save() {
  if (ready_to_save()) saver_->save(state(), checkpoint_info());
}

bool Trainer::evaluation_due() const {
  const double every = config_.eval.every_epochs;
  if (!evaluation_ || every == 0 || step_ == end_step()) return false;  // the end has its own
  const auto passed = [&](int64_t step) {
    return std::floor(schedule_.at(step * config_.train.batch_size).epoch / every);
  };
  return passed(step_) > passed(step_ - 1);
}

// @param reporter  rank 0's
void Trainer::evaluate(Reporter* reporter) {
  if (!evaluation_ || evaluated_step_ == step_) return;
  watchdog_.enter("evaluation", step_);
  metrics_.begin_evaluation();
  const Stopwatch watch;
  const auto results = evaluation_->run(objective_->backbone(), comm_,
                                        [&] { watchdog_.enter("evaluation", step_); });
  if (results && reporter != nullptr) reporter->add_evaluation(*results, step_, watch.seconds());
  if (results) evaluated_step_ = step_;
  metrics_.end_evaluation(results.value_or(std::vector<EvalResult>()), step_, watch.seconds());
  keep_best(results);
}

// @param results  rank 0's; others have none
void Trainer::keep_best(const std::optional<std::vector<EvalResult>>& results) {
  if (!config_.eval.keep_best || step_ == 0) return;
  at::Tensor best = at::zeros({1}, at::kLong);
  if (results && !results->empty() && best_.takes(step_, results->front().eer, saver_->best_step()))
    best.fill_(1);
  comm_.broadcast(best, 0, "whether this is the best network so far");
  if (best.item<int64_t>() != 0 && ready_to_save()) saver_->save_best(state(), checkpoint_info());
}

void Trainer::note_nonfinite(const StepResult& result) {
  if (result.finite) {
    skipped_in_a_row_ = 0;
    return;
  }
  ++skipped_;
  ++skipped_in_a_row_;
  if (comm_.rank() == 0)
    log_warning(concat("step ", step_, " skipped on all ranks: ", result.first_nonfinite,
                       " is not finite"));
  SPC_CHECK(skipped_in_a_row_ < config_.train.max_nonfinite_steps, skipped_in_a_row_,
            " steps in a row were not finite, the last at step ", step_, ", ",
            result.first_nonfinite,
            "; lower optim.lr, or set train.precision fp32. The checkpoints of the run "
            "are from before");
}

TrainEnd Trainer::run() {
  const int64_t batch_size = config_.train.batch_size;
  const auto seed = static_cast<uint64_t>(config_.train.seed);
  const RowRange rows = rows_of_rank(batch_size, comm_.rank(), comm_.world_size());
  if (comm_.rank() == 0) describe();
  metrics_.begin(std::filesystem::path(arguments_.run).filename().string(), to_text(precision_),
                 step_, end_step(), objective_->uniform_loss());
  ViewsConfig views = config_.views;
  views.clean = config_.label_correction.enabled();
  Loader loader(shards_, noise_ ? &*noise_ : nullptr, views, config_.augment, config_.loader, seed,
                {batch_size, rows.begin, rows.end, step_, end_step()});
  Stepper stepper(*objective_, *optimizer_, comm_, step_options(config_, device_));
  EpochCoverage coverage(static_cast<int64_t>(shards_.utts().size()), seed, step_ * batch_size,
                         comm_);
  std::optional<Reporter> reporter;
  if (comm_.rank() == 0)
    reporter.emplace(*folder_, schedule_, watchdog_, config_, objective_->uniform_loss(),
                     end_step());
  Reporter* const own_reporter = reporter ? &*reporter : nullptr;
  TrainEnd end = TrainEnd::kDone;
  // On a step that a stop came upon, too.
  if (step_ == 0 || evaluation_due()) evaluate(own_reporter);
  while (step_ < end_step()) {
    watchdog_.enter("data", step_);
    const Stopwatch whole;
    const Batch batch = loader.next();
    const double data_seconds = whole.seconds();
    watchdog_.enter("step", step_);
    const ScheduleValues values = schedule_.at(step_ * batch_size);
    const OwnTime computing(*comm_.waits());
    const StepResult result = stepper.run(batch, values, stop_requested());
    const double own_seconds = computing.seconds();
    watchdog_.note_own_times(own_seconds, data_seconds);
    ++step_;
    const StepTimes times{data_seconds, own_seconds, whole.seconds()};
    metrics_.add_step(step_, batch, result, values, times);
    metrics_.add_loading(loader, shards_);
    coverage.add(batch.places, step_ * batch_size);
    note_nonfinite(result);
    if (reporter) reporter->add(step_, result, times, skipped_);
    if (result.stop) {
      end = TrainEnd::kStopped;
      break;
    }
    if (config_.dist.sentinel_steps > 0 && step_ % config_.dist.sentinel_steps == 0)
      compare_with_other_ranks();
    if (step_ % config_.checkpoint.every_steps == 0) {
      const Stopwatch saving;
      save();
      if (reporter) reporter->add_save(saving.seconds());
      metrics_.add_save(saving.seconds());
    }
    if (evaluation_due()) evaluate(own_reporter);  // after saving: the best may be that file
  }
  save();
  on_rank_zero(comm_, "saving the last checkpoint", [&] { saver_->finish(); });
  SPC_CHECK(
      end == TrainEnd::kStopped || skipped_in_a_row_ == 0, "the last ", skipped_in_a_row_,
      " steps were not finite and are not saved; lower optim.lr, or set train.precision fp32");
  if (end == TrainEnd::kDone) evaluate(own_reporter);
  at::Tensor memory = at::full({1}, peak_memory_bytes(), at::kLong);
  comm_.all_reduce_now(memory, ReduceOp::kMax, "peak memory");
  if (comm_.rank() == 0) {
    const char* said =
        end == TrainEnd::kDone ? "done" : "stopped as asked; the same command continues";
    log_info(concat(said, " after step ", step_, "; peak memory of a rank ",
                    memory.item<int64_t>() >> 20, " MiB; run folder ", arguments_.run));
  }
  return end;
}

}  // namespace spc
