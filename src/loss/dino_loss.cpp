#include "loss/dino_loss.h"

#include <ATen/ATen.h>
#include <torch/csrc/autograd/custom_function.h>

#include "base/error.h"

namespace spc {
namespace {

// sum over rows of |T| logsumexp(s / t) - <T, s> / t. Keeps the logits and one number a row for
// backward, nothing of size V x B x K more.
class SoftTargetCrossEntropy : public torch::autograd::Function<SoftTargetCrossEntropy> {
 public:
  static at::Tensor forward(torch::autograd::AutogradContext* context, const at::Tensor& logits_NK,
                            const at::Tensor& targets_NK, double temp) {
    const at::Tensor scaled = logits_NK / temp;
    const at::Tensor logsumexp = at::logsumexp(scaled, {1});
    const at::Tensor mass = targets_NK.sum(1);
    context->save_for_backward({logits_NK, targets_NK, logsumexp, mass});
    context->saved_data["temp"] = temp;
    return (mass * logsumexp).sum() - at::dot(targets_NK.view(-1), scaled.view(-1));
  }
  static torch::autograd::variable_list backward(torch::autograd::AutogradContext* context,
                                                 torch::autograd::variable_list gradients) {
    const torch::autograd::variable_list saved = context->get_saved_variables();
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

DinoLossResult dino_loss(const at::Tensor& student_VBK, const at::Tensor& teacher_GBK,
                         const at::Tensor& center_K, int64_t num_global_views, int64_t num_views,
                         double student_temp, double teacher_temp, int64_t global_utterances) {
  const int64_t num_classes = center_K.size(0);
  const int64_t rows = num_views > 0 ? student_VBK.size(0) / num_views : 0;
  SPC_ASSERT(num_views >= num_global_views && num_global_views >= 1 &&
                 student_VBK.sizes() == at::IntArrayRef({num_views * rows, num_classes}) &&
                 teacher_GBK.sizes() == at::IntArrayRef({num_global_views * rows, num_classes}),
             "dino_loss: student ", student_VBK.sizes(), ", teacher ", teacher_GBK.sizes(),
             ", centre ", center_K.sizes());
  const int64_t num_pairs = num_global_views * num_views - num_global_views;
  SPC_ASSERT(num_pairs > 0, "dino_loss needs a view other than the single global one");
  const double norm = 1.0 / static_cast<double>(num_pairs * global_utterances);

  const at::Tensor teacher = teacher_GBK.detach();
  const at::Tensor log_targets = at::log_softmax((teacher - center_K) / teacher_temp, 1);
  const at::Tensor targets = log_targets.exp();
  const at::Tensor entropy_GB = -(targets * log_targets).sum(1).view({num_global_views, rows});
  const at::Tensor targets_GBK = targets.view({num_global_views, rows, num_classes});
  const at::Tensor all_targets = targets_GBK.sum(0, true);
  at::Tensor summed_VBK = all_targets.expand({num_views, rows, num_classes}).contiguous();
  summed_VBK.narrow(0, 0, num_global_views).sub_(targets_GBK);

  DinoLossResult result;
  const at::Tensor cross_entropy = SoftTargetCrossEntropy::apply(
      student_VBK, summed_VBK.view({num_views * rows, num_classes}), student_temp);
  result.loss = cross_entropy * norm;
  result.center_sum = teacher.sum(0);
  result.teacher_entropy =
      entropy_GB.sum() / static_cast<double>(num_global_views * global_utterances);
  const at::Tensor mean_target = targets.mean(0);
  const double share = static_cast<double>(rows) / static_cast<double>(global_utterances);
  result.marginal_entropy = -at::xlogy(mean_target, mean_target).sum() * share;
  result.logit_std = teacher.std(0, false).mean() * share;
  const auto used = static_cast<double>(std::get<0>(at::_unique(targets.argmax(1))).size(0));
  result.prototypes_used = used / static_cast<double>(num_global_views * rows) * share;
  // each target stands in V - 1 pairs, so the mean over pairs of H(P) is the mean over targets
  result.kl = result.loss.detach() - result.teacher_entropy;
  return result;
}

}  // namespace spc
