#include "train/step.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "base/clock.h"
#include "base/error.h"

namespace spc {
namespace {

std::vector<at::Tensor> tensors_of(const std::vector<NamedTensor>& parameters) {
  std::vector<at::Tensor> tensors;
  tensors.reserve(parameters.size());
  for (const NamedTensor& each : parameters) tensors.push_back(each.tensor);
  return tensors;
}

}  // namespace

StepOptions step_options(const RunConfig& config, c10::Device device) {
  StepOptions options;
  options.clip_norm = config.optim.clip_norm;
  options.accumulate = config.train.accumulate;
  options.reducer.overlap = config.dist.overlap;
  options.reducer.bf16_wire = config.dist.wire == "bf16";
  if (device.is_cpu()) return options;
  options.reducer.in_stream = !options.reducer.bf16_wire;
  if (config.train.cuda_graphs)
    options.make_recording = [device] { return make_gpu_recording(device); };
  return options;
}

Stepper::Stepper(Objective& objective, Optimizer& optimizer, Communicator& comm,
                 const StepOptions& options)
    : objective_(objective),
      optimizer_(optimizer),
      comm_(comm),
      options_(options),
      reducer_(comm, tensors_of(objective.parameters()), options.reducer) {
  SPC_ASSERT(!options.make_recording || (options.accumulate == 1 && !options.reducer.bf16_wire),
             "only a step of one micro-batch with gradients as they are can be recorded");
}

// @returns this rank's share of the loss
double Stepper::forward_and_backward(const Batch& batch, const ScheduleValues& values) {
  const bool repeats =
      options_.make_recording && objective_.repeatable() && steps_ >= kStepsBeforeRecording;
  reducer_.begin(options_.accumulate);
  if (repeats) {
    repeat_recorded(batch, values);
  } else {
    run_passes(batch, values);
  }
  ++steps_;
  comm_.wait_for_stream("forward and backward");
  return loss_.item<double>();
}

void Stepper::run_passes(const Batch& batch, const ScheduleValues& values) {
  const auto rows = static_cast<int64_t>(batch.places.size());
  const auto parts = static_cast<int>(options_.accumulate);
  loss_ = at::Tensor();
  for (int part = 0; part < parts; ++part) {
    if (part > 0) reducer_.next_pass();
    objective_.load(batch, rows_of_rank(rows, part, parts), values);
    add_pass(part + 1 == parts);
  }
  reducer_.leave();
}

// What is shared leaves after backward here, not beside it: it is a message whose wait is the
// host's.
void Stepper::repeat_recorded(const Batch& batch, const ScheduleValues& values) {
  objective_.load(batch, {0, static_cast<int64_t>(batch.places.size())}, values);
  if (!recording_) {
    recording_ = options_.make_recording();
    const int64_t before = comm_.waits()->bytes();
    recording_->record([&] {
      loss_ = at::Tensor();
      add_pass(false);
      reducer_.leave();
    });
    reducer_.remember();
    recorded_bytes_ = comm_.waits()->bytes() - before;
    recorded_inputs_ = objective_.inputs();
  } else {
    const std::vector<at::Tensor> inputs = objective_.inputs();
    SPC_ASSERT(
        std::equal(inputs.begin(), inputs.end(), recorded_inputs_.begin(), recorded_inputs_.end(),
                   [](const at::Tensor& a, const at::Tensor& b) { return a.is_same(b); }),
        "what the recorded step reads has moved: a batch of another size?");
    comm_.waits()->add_bytes(static_cast<size_t>(recorded_bytes_));
  }
  recording_->repeat();
  reducer_.recall();
  objective_.share();
}

// Forward and backward over what was loaded. @param shares  it is the last of the step
void Stepper::add_pass(bool shares) {
  const at::Tensor loss = objective_.loss();
  if (shares) objective_.share();
  loss.backward();
  const at::Tensor value = loss.detach().to(at::kDouble);
  loss_ = loss_.defined() ? loss_ + value : value;
}

std::string Stepper::find_nonfinite(double loss) const {
  if (!std::isfinite(loss)) return "loss";
  const std::optional<size_t> parameter = reducer_.first_nonfinite();
  return parameter ? "gradient of " + objective_.parameters()[*parameter].name : "";
}

StepResult Stepper::run(const Batch& batch, const ScheduleValues& values, bool stop) {
  StepResult result;
  Stopwatch watch;
  const double local_loss = forward_and_backward(batch, values);
  result.local_loss = local_loss;
  result.compute_seconds = watch.restart();
  reducer_.finish();
  const std::string problem = find_nonfinite(local_loss);
  std::vector<double> figures{local_loss, stop ? 1.0 : 0.0, problem.empty() ? 0.0 : 1.0,
                              reducer_.squared_wire_error()};
  const Figures own = objective_.figures();
  for (const auto& figure : own) figures.push_back(figure.second);
  at::Tensor sums = at::tensor(figures, at::kDouble);
  comm_.all_reduce_now(sums, ReduceOp::kSum, "figures of the step");
  result.reduce_seconds = watch.restart();

  const auto* reduced = sums.const_data_ptr<double>();
  result.loss = reduced[0];
  result.stop = reduced[1] > 0;
  result.finite = reduced[2] == 0;
  for (size_t i = 0; i < own.size(); ++i) result.figures.emplace_back(own[i].first, reduced[4 + i]);

  if (!result.finite) {
    at::Tensor first =
        at::full({1}, problem.empty() ? std::numeric_limits<int64_t>::max() : int64_t{comm_.rank()},
                 at::kLong);
    comm_.all_reduce_now(first, ReduceOp::kMin, "search for the rank of a non-finite value");
    const auto rank = static_cast<int>(first.item<int64_t>());
    result.first_nonfinite = concat(
        "rank ", rank, ": ", broadcast_text(comm_, problem, rank, "name of a non-finite value"));
    objective_.skip_update();
    return result;
  }
  const Clipping clip = clipping(objective_.parameters(), options_.clip_norm);
  result.grad_norm = clip.norm;
  result.clipped = clip.clipped;
  if (result.grad_norm > 0) result.wire_error = std::sqrt(reduced[3]) / result.grad_norm;
  objective_.before_update(values);
  optimizer_.step({values.lr, clip.scales, objective_.averages(values)});
  objective_.after_update(values);
  result.update_seconds = watch.seconds();
  return result;
}

}  // namespace spc
