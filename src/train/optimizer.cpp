#include "train/optimizer.h"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <c10/core/GradMode.h>

#include <cmath>

#include "base/error.h"
#include "kernels/update_kernels.h"

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

// Parameter i of an update.
struct Target {
  at::Tensor parameter;
  at::Tensor gradient;  // undefined: it stays as it is
  double scale;
  at::Tensor average;  // undefined: none
  double average_momentum;
};

Target target_of(const std::vector<NamedTensor>& parameters, size_t i, const Update& update) {
  const Averages& averages = update.averages;
  return {parameters[i].tensor, parameters[i].tensor.grad(),
          update.gradient_scales.empty() ? 1.0 : update.gradient_scales[i],
          averages.tensors.empty() ? at::Tensor() : averages.tensors[i], averages.momentum};
}

// body(a number of the parameters' type, what to update from `begin` on, begin) for shares of a
// parameter on the CPU.
template <class Body>
void in_one_pass(const Target& target, Body body) {
  const auto as = [&](auto tag) {
    using F = decltype(tag);
    const auto data = [](const at::Tensor& tensor) {
      SPC_ASSERT(!tensor.defined() || tensor.is_contiguous(), "parameters are contiguous");
      return tensor.defined() ? static_cast<F*>(tensor.data_ptr()) : nullptr;
    };
    const at::Tensor gradient =
        target.gradient.defined() ? target.gradient.contiguous() : at::Tensor();
    F* const parameter = data(target.parameter);
    const F* const slope = data(gradient);
    F* const average = data(target.average);
    constexpr int64_t kGrain = 1 << 15;
    at::parallel_for(0, target.parameter.numel(), kGrain, [&](int64_t begin, int64_t end) {
      const Updated<F> of{parameter + begin,
                          slope == nullptr ? nullptr : slope + begin,
                          static_cast<F>(target.scale),
                          average == nullptr ? nullptr : average + begin,
                          static_cast<F>(target.average_momentum),
                          end - begin};
      if (slope == nullptr) {
        update_kernels<F>().average(of);
      } else {
        body(of, begin);
      }
    });
  };
  if (target.parameter.scalar_type() == at::kDouble) return as(double{});
  SPC_ASSERT(target.parameter.scalar_type() == at::kFloat, "parameters are float32 or float64");
  as(float{});
}

template <class F>
F* values(at::Tensor& tensor) {
  return tensor.mutable_data_ptr<F>();
}

void follow(const Target& target) {
  at::Tensor average = target.average;
  if (average.defined())
    average.mul_(target.average_momentum).add_(target.parameter, 1 - target.average_momentum);
}

class Sgd : public Optimizer {
 public:
  Sgd(const OptimConfig& config, const std::vector<NamedTensor>& parameters)
      : config_(config), parameters_(parameters), momentum_(zeros_like(parameters, ".momentum")) {}

  void step(const Update& update) override {
    const c10::NoGradGuard no_grad;
    for (size_t i = 0; i < parameters_.size(); ++i) {
      const Target target = target_of(parameters_, i, update);
      at::Tensor& momentum = momentum_[i].tensor;
      const double decay = decay_of(config_, target.parameter);
      if (target.parameter.is_cpu()) {
        in_one_pass(target, [&]<class F>(const Updated<F>& of, int64_t begin) {
          const SgdNumbers<F> numbers{static_cast<F>(update.lr), static_cast<F>(config_.momentum),
                                      static_cast<F>(decay)};
          update_kernels<F>().sgd(of, numbers, values<F>(momentum) + begin);
        });
        continue;
      }
      at::Tensor parameter = target.parameter;
      if (target.gradient.defined()) {
        momentum.mul_(config_.momentum).add_(target.gradient, target.scale).add_(parameter, decay);
        parameter.add_(momentum, -update.lr);
      }
      follow(target);
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

  void step(const Update& update) override {
    const c10::NoGradGuard no_grad;
    for (size_t i = 0; i < parameters_.size(); ++i) {
      const Target target = target_of(parameters_, i, update);
      if (target.gradient.defined()) ++*values<int64_t>(steps_[i].tensor);
      const auto count = static_cast<double>(*values<int64_t>(steps_[i].tensor));
      const double kept = 1 - update.lr * decay_of(config_, target.parameter);
      const double step = update.lr / (1 - std::pow(config_.beta1, count));
      const double correction = std::sqrt(1 - std::pow(config_.beta2, count));
      at::Tensor& mean = mean_[i].tensor;
      at::Tensor& square = square_[i].tensor;
      if (target.parameter.is_cpu()) {
        in_one_pass(target, [&]<class F>(const Updated<F>& of, int64_t begin) {
          const AdamWNumbers<F> numbers{
              static_cast<F>(kept), static_cast<F>(config_.beta1), static_cast<F>(config_.beta2),
              static_cast<F>(step), static_cast<F>(correction),    static_cast<F>(config_.eps)};
          update_kernels<F>().adamw(of, numbers, values<F>(mean) + begin,
                                    values<F>(square) + begin);
        });
        continue;
      }
      at::Tensor parameter = target.parameter;
      if (target.gradient.defined()) {
        const at::Tensor gradient = target.gradient * target.scale;
        mean.lerp_(gradient, 1 - config_.beta1);
        square.mul_(config_.beta2).addcmul_(gradient, gradient, 1 - config_.beta2);
        parameter.mul_(kept).addcdiv_(mean, square.sqrt().div_(correction).add_(config_.eps),
                                      -step);
      }
      follow(target);
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
