#include <ATen/ATen.h>
#include <ATen/Parallel.h>

#include "base/error.h"
#include "kernels/update_kernels.h"
#include "train/update_passes.h"

namespace spc {
namespace {

template <class F>
F* data_of(const at::Tensor& tensor) {
  SPC_ASSERT(!tensor.defined() || tensor.is_contiguous(), "parameters are contiguous");
  return tensor.defined() ? static_cast<F*>(tensor.data_ptr()) : nullptr;
}

// body(a share of the target, where it begins) on all threads; a parameter that stays is only
// followed.
template <class F, class Body>
void over_shares(const UpdateTarget& target, Body body) {
  const at::Tensor contiguous =
      target.gradient.defined() ? target.gradient.contiguous() : at::Tensor();
  F* const parameter = data_of<F>(target.parameter);
  const F* const gradient = data_of<F>(contiguous);
  F* const average = data_of<F>(target.average);
  constexpr int64_t kGrain = 1 << 15;
  at::parallel_for(0, target.parameter.numel(), kGrain, [&](int64_t begin, int64_t end) {
    const Updated<F> of{parameter + begin,
                        gradient == nullptr ? nullptr : gradient + begin,
                        static_cast<F>(target.gradient_scale),
                        average == nullptr ? nullptr : average + begin,
                        static_cast<F>(target.average_momentum),
                        end - begin};
    if (gradient == nullptr) {
      update_kernels<F>().average(of);
    } else {
      body(of, begin);
    }
  });
}

// body(a number of the type of its parameter, a target)
template <class Body>
void for_each_target(const std::vector<UpdateTarget>& targets, Body body) {
  for (const UpdateTarget& target : targets) {
    if (target.parameter.scalar_type() == at::kDouble) {
      body(double{}, target);
    } else {
      SPC_ASSERT(target.parameter.scalar_type() == at::kFloat, "parameters are float32 or float64");
      body(float{}, target);
    }
  }
}

void sgd_in_one_pass(const std::vector<UpdateTarget>& targets, const OptimConfig& config,
                     double lr) {
  for_each_target(targets, [&]<class F>(F /*type*/, const UpdateTarget& target) {
    const SgdNumbers<F> numbers{static_cast<F>(lr), static_cast<F>(config.momentum),
                                static_cast<F>(target.decay)};
    F* const momentum = data_of<F>(target.first_moment);
    over_shares<F>(target, [&](const Updated<F>& of, int64_t begin) {
      update_kernels<F>().sgd(of, numbers, momentum + begin);
    });
  });
}

void adamw_in_one_pass(const std::vector<UpdateTarget>& targets, const OptimConfig& config) {
  for_each_target(targets, [&]<class F>(F /*type*/, const UpdateTarget& target) {
    const AdamWNumbers<F> numbers{static_cast<F>(target.kept),
                                  static_cast<F>(config.beta1),
                                  static_cast<F>(config.beta2),
                                  static_cast<F>(target.step),
                                  static_cast<F>(target.square_correction),
                                  static_cast<F>(config.eps)};
    F* const mean = data_of<F>(target.first_moment);
    F* const square = data_of<F>(target.second_moment);
    over_shares<F>(target, [&](const Updated<F>& of, int64_t begin) {
      update_kernels<F>().adamw(of, numbers, mean + begin, square + begin);
    });
  });
}

}  // namespace

const UpdatePasses kUpdateInOnePass{sgd_in_one_pass, adamw_in_one_pass};

}  // namespace spc
