#include "loss/soft_targets.h"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <torch/csrc/autograd/custom_function.h>

#include <vector>

#include "base/error.h"
#include "kernels/distillation_kernels.h"

namespace spc {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

// body(a number of the type in which targets are kept, one of the type of logits)
template <class Body>
void with_types(at::ScalarType logits, at::ScalarType targets, Body body) {
  if (logits == at::kDouble && targets == at::kDouble) return body(double{});
  SPC_ASSERT(logits == at::kFloat, "logits are float32 or float64, with targets of their type");
  if (targets == at::kFloat) return body(float{});
  SPC_ASSERT(targets == at::kBFloat16, "float32 logits have float32 or bfloat16 targets");
  body(Bf16{});
}

template <class T>
T* row_of(const at::Tensor& matrix, int64_t row) {
  return static_cast<T*>(matrix.data_ptr()) + row * matrix.size(1);
}

// Its gradient is made in forward, where exponentials are at hand; nothing else of size V B K is.
class FusedCrossViewEntropy : public torch::autograd::Function<FusedCrossViewEntropy> {
 public:
  static at::Tensor forward(AutogradContext* context, const at::Tensor& student_VBK,
                            const SoftTargets& targets, int64_t num_global_views, int64_t num_views,
                            double temp) {
    const int64_t rows = student_VBK.size(0) / num_views;
    const at::Tensor slope = at::empty_like(student_VBK);
    const at::Tensor losses = at::empty({student_VBK.size(0)}, at::kDouble);
    const auto* masses = targets.masses.const_data_ptr<double>();
    with_types(student_VBK.scalar_type(), targets.probabilities.scalar_type(), [&](auto stored) {
      using T = decltype(stored);
      using F = Compute<T>;
      at::parallel_for(0, student_VBK.size(0), 1, [&](int64_t begin, int64_t end) {
        std::vector<const T*> others;
        for (int64_t i = begin; i < end; ++i) {
          others.clear();
          double mass = 0;
          for (int64_t q = 0; q < num_global_views; ++q) {
            if (q == i / rows) continue;
            others.push_back(row_of<const T>(targets.probabilities, q * rows + i % rows));
            mass += masses[q * rows + i % rows];
          }
          losses.mutable_data_ptr<double>()[i] = distillation_kernels<T>().cross_entropy(
              row_of<const F>(student_VBK, i), others.data(), static_cast<int64_t>(others.size()),
              mass, static_cast<F>(1 / temp), slope.size(1), row_of<F>(slope, i));
        }
      });
    });
    context->save_for_backward({slope});
    return losses.sum().to(student_VBK.scalar_type());
  }
  static variable_list backward(AutogradContext* context, const variable_list& gradients) {
    return {context->get_saved_variables()[0] * gradients[0], {}, {}, {}, {}};
  }
};

SoftTargets fused_targets(const at::Tensor& teacher, const at::Tensor& center, double temp,
                          at::ScalarType type) {
  const at::TensorOptions wide(at::kDouble);
  SoftTargets result{at::empty(teacher.sizes(), teacher.options().dtype(type)),
                     at::empty({teacher.size(0)}, wide), at::empty({teacher.size(0)}, wide),
                     at::empty({teacher.size(0)}, at::kLong)};
  with_types(teacher.scalar_type(), type, [&](auto stored) {
    using T = decltype(stored);
    using F = Compute<T>;
    at::parallel_for(0, teacher.size(0), 1, [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i) {
        const TargetRow row = distillation_kernels<T>().target(
            row_of<const F>(teacher, i), center.const_data_ptr<F>(), static_cast<F>(1 / temp),
            teacher.size(1), row_of<T>(result.probabilities, i));
        result.masses.mutable_data_ptr<double>()[i] = row.mass;
        result.entropies.mutable_data_ptr<double>()[i] = row.entropy;
        result.first_choices.mutable_data_ptr<int64_t>()[i] = row.first;
      }
    });
  });
  return result;
}

// Keeps the logits and one number a row for backward.
class SoftTargetCrossEntropy : public torch::autograd::Function<SoftTargetCrossEntropy> {
 public:
  static at::Tensor forward(AutogradContext* context, const at::Tensor& logits_NK,
                            const at::Tensor& targets_NK, double temp) {
    const at::Tensor scaled = logits_NK / temp;
    const at::Tensor logsumexp = at::logsumexp(scaled, {1});
    const at::Tensor mass = targets_NK.sum(1);
    context->save_for_backward({logits_NK, targets_NK, logsumexp, mass});
    context->saved_data["temp"] = temp;
    return (mass * logsumexp).sum() - at::dot(targets_NK.view(-1), scaled.view(-1));
  }
  static variable_list backward(AutogradContext* context, const variable_list& gradients) {
    const variable_list saved = context->get_saved_variables();
    const double temp = context->saved_data["temp"].toDouble();
    at::Tensor gradient = saved[0] / temp;
    gradient.sub_(saved[2].unsqueeze(1))
        .exp_()
        .mul_(saved[3].unsqueeze(1))
        .sub_(saved[1])
        .mul_(gradients[0] / temp);
    return {gradient, {}, {}};
  }
};

}  // namespace

SoftTargets soft_targets(const at::Tensor& teacher_GBK, const at::Tensor& center_K,
                         const at::Tensor& temp, const TargetFormat& format) {
  if (format.fused)
    return fused_targets(teacher_GBK.contiguous(), center_K.contiguous(), temp.item<double>(),
                         format.type);
  const at::Tensor log_targets = at::log_softmax((teacher_GBK - center_K) / temp, 1);
  const at::Tensor targets = log_targets.exp();
  return {targets, {}, -(targets * log_targets).sum(1), log_targets.argmax(1)};
}

at::Tensor cross_view_entropy(const at::Tensor& student_VBK, const SoftTargets& targets,
                              int64_t num_global_views, int64_t num_views, double temp,
                              const TargetFormat& format) {
  if (format.fused)
    return FusedCrossViewEntropy::apply(student_VBK.contiguous(), targets, num_global_views,
                                        num_views, temp);
  const int64_t rows = student_VBK.size(0) / num_views;
  const int64_t num_classes = student_VBK.size(1);
  const at::Tensor of_views = targets.probabilities.view({num_global_views, rows, num_classes});
  at::Tensor sums = of_views.sum(0, true).expand({num_views, rows, num_classes}).contiguous();
  sums.narrow(0, 0, num_global_views).sub_(of_views);
  return SoftTargetCrossEntropy::apply(student_VBK, sums.view(student_VBK.sizes()), temp);
}

}  // namespace spc
