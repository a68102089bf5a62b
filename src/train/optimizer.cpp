#include "train/optimizer.h"

#include <ATen/ATen.h>
#include <c10/core/GradMode.h>

#include <cmath>

#include "base/error.h"

namespace spc {
namespace {

double decay_of(const OptimConfig& config, const at::Tensor& parameter) {
  return parameter.dim() > 1 ? config.weight_decay : 0.0;
}

TensorTable zeros_like(const std::vector<NamedTensor>& parameters, const std::string& suffix) {
  TensorTable table;
  for (const NamedTensor& each : parameters)
    table.push_back({each.name + suffix, at::zeros_like(each.tensor).detach(), false});
  return table;
}

class Sgd : public Optimizer {
 public:
  Sgd(const OptimConfig& config, const std::vector<NamedTensor>& parameters)
      : config_(config), parameters_(parameters), momentum_(zeros_like(parameters, ".momentum")) {}

  void step(double lr) override {
    const c10::NoGradGuard no_grad;
    for (size_t i = 0; i < parameters_.size(); ++i) {
      at::Tensor parameter = parameters_[i].tensor;
      if (!parameter.grad().defined()) continue;
      at::Tensor& momentum = momentum_[i].tensor;
      momentum.mul_(config_.momentum).add_(parameter.grad());
      const double decay = decay_of(config_, parameter);
      if (decay > 0) momentum.add_(parameter, decay);
      parameter.add_(momentum, -lr);
    }
  }
  [[nodiscard]] TensorTable state() const override { return momentum_; }

 private:
  OptimConfig config_;
  std::vector<NamedTensor> parameters_;
  TensorTable momentum_;
};

class AdamW : public Optimizer {
 public:
  AdamW(const OptimConfig& config, const std::vector<NamedTensor>& parameters)
      : config_(config),
        parameters_(parameters),
        mean_(zeros_like(parameters, ".exp_avg")),
        square_(zeros_like(parameters, ".exp_avg_sq")) {
    for (const NamedTensor& each : parameters)
      steps_.push_back({each.name + ".step", at::zeros({1}, at::kLong), false});
  }

  void step(double lr) override {
    const c10::NoGradGuard no_grad;
    for (size_t i = 0; i < parameters_.size(); ++i) {
      at::Tensor parameter = parameters_[i].tensor;
      const at::Tensor& gradient = parameter.grad();
      if (!gradient.defined()) continue;
      const auto count = static_cast<double>(++*steps_[i].tensor.mutable_data_ptr<int64_t>());
      at::Tensor& mean = mean_[i].tensor;
      at::Tensor& square = square_[i].tensor;
      parameter.mul_(1 - lr * decay_of(config_, parameter));
      mean.lerp_(gradient, 1 - config_.beta1);
      square.mul_(config_.beta2).addcmul_(gradient, gradient, 1 - config_.beta2);
      const double mean_correction = 1 - std::pow(config_.beta1, count);
      const double square_correction = 1 - std::pow(config_.beta2, count);
      const at::Tensor denominator =
          square.sqrt().div_(std::sqrt(square_correction)).add_(config_.eps);
      parameter.addcdiv_(mean, denominator, -lr / mean_correction);
    }
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
  TensorTable mean_;
  TensorTable square_;
  TensorTable steps_;
};

}  // namespace

std::unique_ptr<Optimizer> make_optimizer(const OptimConfig& config,
                                          const std::vector<NamedTensor>& parameters) {
  if (config.type == "adamw") return std::make_unique<AdamW>(config, parameters);
  SPC_ASSERT(config.type == "sgd", "optimizer ", config.type);
  return std::make_unique<Sgd>(config, parameters);
}

ClipResult clip_gradients(const std::vector<NamedTensor>& parameters, double max_norm) {
  ClipResult result;
  double squares = 0;
  for (const NamedTensor& each : parameters) {
    if (!each.tensor.grad().defined()) continue;
    at::Tensor gradient = each.tensor.grad();
    const double norm = gradient.norm().item<double>();
    squares += norm * norm;
    if (max_norm == 0 || norm <= max_norm) continue;
    gradient.mul_(max_norm / (norm + 1e-6));
    ++result.clipped;
  }
  result.norm = std::sqrt(squares);
  return result;
}

}  // namespace spc
