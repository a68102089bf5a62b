#include <ATen/ATen.h>

#include <functional>

#include "train/update_passes.h"

namespace spc {
namespace {

using Targets = std::vector<UpdateTarget>;

Targets those_with(at::Tensor UpdateTarget::*what, const Targets& targets) {
  Targets chosen;
  chosen.reserve(targets.size());
  for (const UpdateTarget& target : targets)
    if ((target.*what).defined()) chosen.push_back(target);
  return chosen;
}

std::vector<at::Tensor> list_of(at::Tensor UpdateTarget::*what, const Targets& targets) {
  std::vector<at::Tensor> list;
  list.reserve(targets.size());
  for (const UpdateTarget& target : targets) list.push_back(target.*what);
  return list;
}

// @param number  a member of a target, or what is called with one
template <class Number>
std::vector<at::Scalar> numbers_of(const Targets& targets, Number number) {
  std::vector<at::Scalar> numbers;
  numbers.reserve(targets.size());
  for (const UpdateTarget& target : targets) numbers.emplace_back(std::invoke(number, target));
  return numbers;
}

std::vector<at::Tensor> scaled_gradients(const Targets& targets) {
  return at::_foreach_mul(list_of(&UpdateTarget::gradient, targets),
                          numbers_of(targets, &UpdateTarget::gradient_scale));
}

void move_averages(const Targets& all) {
  const Targets targets = those_with(&UpdateTarget::average, all);
  if (targets.empty()) return;
  at::_foreach_lerp_(
      list_of(&UpdateTarget::average, targets), list_of(&UpdateTarget::parameter, targets),
      numbers_of(targets, [](const UpdateTarget& target) { return 1 - target.average_momentum; }));
}

void move_by_sgd(const Targets& targets, const OptimConfig& config, double lr) {
  const std::vector<at::Tensor> parameters = list_of(&UpdateTarget::parameter, targets);
  const std::vector<at::Tensor> momenta = list_of(&UpdateTarget::first_moment, targets);
  const std::vector<at::Scalar> decays = numbers_of(targets, &UpdateTarget::decay);
  at::_foreach_mul_(momenta, config.momentum);
  at::_foreach_add_(momenta, scaled_gradients(targets));
  at::_foreach_add_(momenta, at::_foreach_mul(parameters, decays));
  at::_foreach_add_(parameters, momenta, -lr);
}

void move_by_adamw(const Targets& targets, const OptimConfig& config) {
  const std::vector<at::Tensor> parameters = list_of(&UpdateTarget::parameter, targets);
  const std::vector<at::Tensor> means = list_of(&UpdateTarget::first_moment, targets);
  const std::vector<at::Tensor> squares = list_of(&UpdateTarget::second_moment, targets);
  const std::vector<at::Tensor> gradients = scaled_gradients(targets);
  at::_foreach_lerp_(means, gradients, 1 - config.beta1);
  at::_foreach_mul_(squares, config.beta2);
  at::_foreach_addcmul_(squares, gradients, gradients, 1 - config.beta2);
  const std::vector<at::Tensor> roots = at::_foreach_sqrt(squares);
  at::_foreach_div_(roots, numbers_of(targets, &UpdateTarget::square_correction));
  at::_foreach_add_(roots, config.eps);
  at::_foreach_mul_(parameters, numbers_of(targets, &UpdateTarget::kept));
  at::_foreach_addcdiv_(
      parameters, means, roots,
      numbers_of(targets, [](const UpdateTarget& target) { return -target.step; }));
}

// LibTorch takes no empty lists.
template <auto kMove, class... Numbers>
void in_lists(const Targets& targets, const OptimConfig& config, Numbers... numbers) {
  const Targets moving = those_with(&UpdateTarget::gradient, targets);
  if (!moving.empty()) kMove(moving, config, numbers...);
  move_averages(targets);
}

}  // namespace

const UpdatePasses kUpdateInLists{in_lists<move_by_sgd, double>, in_lists<move_by_adamw>};

}  // namespace spc
