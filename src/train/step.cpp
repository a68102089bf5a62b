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

Stepper::Stepper(Objective& objective, Optimizer& optimizer, Communicator& comm, double clip_norm,
                 const ReducerOptions& reducer)
    : objective_(objective),
      optimizer_(optimizer),
      comm_(comm),
      clip_norm_(clip_norm),
      reducer_(comm, tensors_of(objective.parameters()), reducer) {}

std::string Stepper::find_nonfinite(double loss) const {
  if (!std::isfinite(loss)) return "loss";
  const std::optional<size_t> parameter = reducer_.first_nonfinite();
  return parameter ? "gradient of " + objective_.parameters()[*parameter].name : "";
}

StepResult Stepper::run(const Batch& batch, const ScheduleValues& values, bool stop) {
  reducer_.begin();
  const at::Tensor loss = objective_.loss(batch, values);
  loss.backward();
  StepResult result;
  const double local_loss = loss.item<double>();

  const Stopwatch waiting;
  reducer_.finish();
  const std::string problem = find_nonfinite(local_loss);
  std::vector<double> figures{local_loss, stop ? 1.0 : 0.0, problem.empty() ? 0.0 : 1.0,
                              reducer_.squared_wire_error()};
  for (const auto& metric : objective_.metrics()) figures.push_back(metric.second);
  at::Tensor sums = at::tensor(figures, at::kDouble);
  comm_.all_reduce_now(sums, ReduceOp::kSum, "figures of the step");
  result.reduce_seconds = waiting.seconds();

  const auto* reduced = sums.const_data_ptr<double>();
  result.loss = reduced[0];
  result.stop = reduced[1] > 0;
  result.finite = reduced[2] == 0;
  for (size_t i = 0; i < objective_.metrics().size(); ++i)
    result.metrics.emplace_back(objective_.metrics()[i].first, reduced[4 + i]);

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
  result.grad_norm = clip_gradients(objective_.parameters(), clip_norm_);
  if (result.grad_norm > 0) result.wire_error = std::sqrt(reduced[3]) / result.grad_norm;
  objective_.before_update(values);
  optimizer_.step(values.lr);
  objective_.after_update(values);
  return result;
}

}  // namespace spc
