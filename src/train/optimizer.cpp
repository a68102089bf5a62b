#include "train/optimizer.h"

#include <ATen/ATen.h>
#include <c10/core/GradMode.h>

#include <cmath>

#include "base/error.h"

namespace spc {
namespace {

TensorTable zeros_like(const std::vector<NamedTensor>& parameters, const std::string& suffix) {
  TensorTable table;
  for (const NamedTensor& each : parameters)
    table.push_back({each.name + suffix, at::zeros_like(each.tensor).detach(), false});
  return table;
}

// What belongs to each parameter, but for the optimiser's own state.
std::vector<UpdateTarget> targets_of(const std::vector<NamedTensor>& parameters,
                                     const OptimConfig& config, const Update& update) {
  std::vector<UpdateTarget> targets(parameters.size());
  for (size_t i = 0; i < parameters.size(); ++i) {
    UpdateTarget& target = targets[i];
    target.parameter = parameters[i].tensor;
    target.gradient = target.parameter.grad();
    if (!update.gradient_scales.empty()) target.gradient_scale = update.gradient_scales[i];
    if (target.parameter.dim() > 1) target.decay = config.weight_decay;
    if (!update.averages.tensors.empty()) target.average = update.averages.tensors[i];
    target.average_momentum = update.averages.momentum;
  }
  return targets;
}

class Sgd : public Optimizer {
 public:
  Sgd(const OptimConfig& config, const std::vector<NamedTensor>& parameters,
      const UpdatePasses& passes)
      : config_(config),
        parameters_(parameters),
        passes_(passes),
        momentum_(zeros_like(parameters, ".momentum")) {}

  void step(const Update& update) override {
    const c10::NoGradGuard no_grad;
    std::vector<UpdateTarget> targets = targets_of(parameters_, config_, update);
    for (size_t i = 0; i < targets.size(); ++i) targets[i].first_moment = momentum_[i].tensor;
    passes_.sgd(targets, config_, update.lr);
  }
  [[nodiscard]] TensorTable state() const override { return momentum_; }

 private:
  OptimConfig config_;
  std::vector<NamedTensor> parameters_;
  const UpdatePasses& passes_;
  TensorTable momentum_;
};

class AdamW : public Optimizer {
 public:
  AdamW(const OptimConfig& config, const std::vector<NamedTensor>& parameters,
        const UpdatePasses& passes)
      : config_(config),
        parameters_(parameters),
        passes_(passes),
        mean_(zeros_like(parameters, ".exp_avg")),
        square_(zeros_like(parameters, ".exp_avg_sq")) {
    for (const NamedTensor& each : parameters)
      steps_.push_back({each.name + ".step", at::zeros({1}, at::kLong), false});
  }

  void step(const Update& update) override {
    const c10::NoGradGuard no_grad;
    std::vector<UpdateTarget> targets = targets_of(parameters_, config_, update);
    for (size_t i = 0; i < targets.size(); ++i) {
      UpdateTarget& target = targets[i];
      auto* const steps = steps_[i].tensor.mutable_data_ptr<int64_t>();
      if (target.gradient.defined()) ++*steps;
      const auto count = static_cast<double>(*steps);
      target.first_moment = mean_[i].tensor;
      target.second_moment = square_[i].tensor;
      target.kept = 1 - update.lr * target.decay;
      target.step = update.lr / (1 - std::pow(config_.beta1, count));
      target.square_correction = std::sqrt(1 - std::pow(config_.beta2, count));
    }
    passes_.adamw(targets, config_);
  }
  [[nodiscard]] TensorTable state() const override {
    TensorTable all = mean_;
    all.insert(all.end(), square_.begin(), square_.end());
    all.insert(all.end(), steps_.begin(), steps_.end());
    return all;
  }

 private:
  OptimConfig config_;
  std::vector<NamedTensor> parameters_;
  const UpdatePasses& passes_;
  TensorTable mean_;
  TensorTable square_;
  TensorTable steps_;
};

}  // namespace

std::unique_ptr<Optimizer> make_optimizer(const OptimConfig& config,
                                          const std::vector<NamedTensor>& parameters,
                                          const UpdatePasses& passes) {
  if (config.type == "adamw") return std::make_unique<AdamW>(config, parameters, passes);
  SPC_ASSERT(config.type == "sgd", "optimizer ", config.type);
  return std::make_unique<Sgd>(config, parameters, passes);
}

std::unique_ptr<Optimizer> make_optimizer(const OptimConfig& config,
                                          const std::vector<NamedTensor>& parameters) {
  const bool on_cpu = parameters.empty() || parameters[0].tensor.is_cpu();
  return make_optimizer(config, parameters, on_cpu ? kUpdateInOnePass : kUpdateInLists);
}

Clipping clipping(const std::vector<NamedTensor>& parameters, double max_norm) {
  std::vector<at::Tensor> gradients;
  std::vector<size_t> places;
  gradients.reserve(parameters.size());
  places.reserve(parameters.size());
  for (size_t i = 0; i < parameters.size(); ++i) {
    if (!parameters[i].tensor.grad().defined()) continue;
    gradients.push_back(parameters[i].tensor.grad());
    places.push_back(i);
  }
  Clipping result;
  result.scales.assign(parameters.size(), 1.0);
  if (gradients.empty()) return result;
  // All at once, so that a GPU is waited for once.
  const at::Tensor norms = at::stack(at::_foreach_norm(gradients)).to(at::kCPU, at::kDouble);
  double squares = 0;
  for (size_t i = 0; i < places.size(); ++i) {
    const double norm = norms.const_data_ptr<double>()[i];
    squares += norm * norm;
    if (max_norm == 0 || norm <= max_norm) continue;
    result.scales[places[i]] = max_norm / (norm + 1e-6);
    ++result.clipped;
  }
  result.norm = std::sqrt(squares);
  return result;
}

}  // namespace spc
