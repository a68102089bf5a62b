#include "train/trial_steps.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <memory>

#include "base/clock.h"
#include "base/middle.h"
#include "base/random.h"
#include "train/dino_objective.h"
#include "train/label_objective.h"
#include "train/step.h"

namespace spc {
namespace {

constexpr int64_t kSteps = 4;  // the first compiles kernels and finds memory

std::vector<float> noise(int64_t rows, int64_t frames, int64_t bins, Random& random) {
  std::vector<float> feats(static_cast<size_t>(rows * frames * bins));
  for (float& value : feats) value = static_cast<float>(random.normal());
  return feats;
}

// Utterance i has class i mod C.
TrainingLabels made_up_labels(int64_t num_utts, int64_t num_classes) {
  TrainingLabels labels;
  for (int64_t utt = 0; utt < num_utts; ++utt) labels.classes.push_back(utt % num_classes);
  for (int64_t label = 0; label < num_classes; ++label)
    labels.names.push_back(std::to_string(label));
  return labels;
}

Batch made_up_batch(const RunConfig& config, const TrialShape& shape, const Communicator& comm,
                    Sampler& sampler, int64_t step) {
  Random random(1, {static_cast<uint64_t>(step), static_cast<uint64_t>(comm.rank())});
  const ViewsConfig& views = config.views;
  Batch batch;
  batch.step = step;
  batch.global =
      noise(views.num_global * shape.rows, views.global_frames, shape.num_mel_bins, random);
  batch.local = noise(views.num_local * shape.rows, views.local_frames, shape.num_mel_bins, random);
  if (config.label_correction.enabled())
    batch.clean = noise(shape.rows, views.global_frames, shape.num_mel_bins, random);
  for (int64_t row = 0; row < shape.rows; ++row)
    batch.places.push_back(
        sampler.at(step * config.train.batch_size + comm.rank() * shape.rows + row));
  return batch;
}

}  // namespace

double seconds_of_trial_step(RunConfig config, const TrialShape& shape, c10::Device device,
                             Communicator& comm) {
  config.train.batch_size = shape.rows * comm.world_size();
  config.train.accumulate = 1;
  config.train.cuda_graphs = false;  // so few steps are not worth it
  const Precision precision = resolve_precision(config.train.precision, device, comm);
  const int64_t num_utts = std::max(config.train.batch_size * (kSteps + 1), 2 * shape.num_classes);
  std::unique_ptr<Objective> objective;
  if (config.train.objective == "dino") {
    objective =
        std::make_unique<DinoObjective>(config, shape.num_mel_bins, precision, device, comm);
  } else {
    objective = std::make_unique<LabelObjective>(
        config, shape.num_mel_bins, made_up_labels(num_utts, shape.num_classes), precision, device,
        comm, LabelObjective::OnEpoch());
  }
  const std::unique_ptr<Optimizer> optimizer =
      make_optimizer(config.optim, objective->parameters());
  Stepper stepper(*objective, *optimizer, comm, step_options(config, device));
  const Schedule schedule(config, num_utts);
  Sampler sampler(num_utts, 1);
  std::vector<double> seconds;
  for (int64_t step = 0; step < kSteps; ++step) {
    const Batch batch = made_up_batch(config, shape, comm, sampler, step);
    const Stopwatch watch;
    (void)stepper.run(batch, schedule.at(step * config.train.batch_size), false);
    if (step > 0) seconds.push_back(watch.seconds());
  }
  at::Tensor slowest = at::full({1}, lower_middle(seconds), at::kDouble);
  comm.all_reduce_now(slowest, ReduceOp::kMax, "time of the slowest rank");
  return slowest.item<double>();
}

}  // namespace spc
