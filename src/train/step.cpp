#include "train/step.h"

#include <ATen/ATen.h>

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

Stepper::Stepper(Objective& objective, Optimizer& optimizer, Communicator& comm,
                 const StepOptions& options)
    : objective_(objective),
      optimizer_(optimizer),
      comm_(comm),
      options_(options),
      reducer_(comm, tensors_of(objective.parameters()), options.reducer) {}

// @returns this rank's share of the loss
double Stepper::forward_and_backward(const Batch& batch, const ScheduleValues& values) {
  const auto rows = static_cast<int64_t>(batch.places.size());
  const auto parts = static_cast<int>(options_.accumulate);
  reducer_.begin(parts);
  double sum = 0;
  for (int part = 0; part < parts; ++part) {
    if (part > 0) reducer_.next_pass();
    const at::Tensor loss = objective_.loss(batch, rows_of_rank(rows, part, parts), values);
    loss.backward();
    sum += loss.item<double>();
  }
  return sum;
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
  for (const auto& figure : objective_.figures()) figures.push_back(figure.second);
  at::Tensor sums = at::tensor(figures, at::kDouble);
  comm_.all_reduce_now(sums, ReduceOp::kSum, "figures of the step");
  result.reduce_seconds = watch.restart();

  const auto* reduced = sums.const_data_ptr<double>();
  result.loss = reduced[0];
  result.stop = reduced[1] > 0;
  result.finite = reduced[2] == 0;
  for (size_t i = 0; i < objective_.figures().size(); ++i)
    result.figures.emplace_back(objective_.figures()[i].first, reduced[4 + i]);

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
