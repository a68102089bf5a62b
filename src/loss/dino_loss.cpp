#include "loss/dino_loss.h"

#include <ATen/ATen.h>

#include "base/error.h"

namespace spc {
namespace {

// The standard deviation over rows, mean over columns: exactly zero of rows that are alike. (std()
// of a matrix's rows takes ten times as long.)
at::Tensor mean_deviation(const at::Tensor& x) {
  const at::Tensor off = x - x[0];
  return (off.square().mean(0) - off.mean(0).square()).clamp_min(0).sqrt().mean();
}

}  // namespace

DinoLossResult dino_loss(const at::Tensor& student_VBK, const at::Tensor& teacher_GBK,
                         const at::Tensor& center_K, const at::Tensor& teacher_temp,
                         const DinoLossOptions& options) {
  const int64_t num_classes = center_K.size(0);
  const int64_t views = options.num_views;
  const int64_t global_views = options.num_global_views;
  const int64_t rows = views > 0 ? student_VBK.size(0) / views : 0;
  SPC_ASSERT(views >= global_views && global_views >= 1 &&
                 student_VBK.sizes() == at::IntArrayRef({views * rows, num_classes}) &&
                 teacher_GBK.sizes() == at::IntArrayRef({global_views * rows, num_classes}),
             "dino_loss: student ", student_VBK.sizes(), ", teacher ", teacher_GBK.sizes(),
             ", centre ", center_K.sizes());
  const int64_t num_pairs = global_views * views - global_views;
  SPC_ASSERT(num_pairs > 0, "dino_loss needs a view other than the single global one");

  const at::Tensor teacher = teacher_GBK.detach();
  const SoftTargets targets = soft_targets(teacher, center_K, teacher_temp, options.targets);
  const auto utterances = static_cast<double>(options.global_utterances);
  DinoLossResult result;
  result.loss = cross_view_entropy(student_VBK, targets, global_views, views, options.student_temp,
                                   options.targets) /
                (static_cast<double>(num_pairs) * utterances);
  result.center_sum = teacher.sum(0);
  result.teacher_entropy =
      targets.entropies.sum() / (static_cast<double>(global_views) * utterances);
  const at::Tensor mean_target = targets.probabilities.mean(0, false, teacher.scalar_type());
  const double share = static_cast<double>(rows) / utterances;
  result.marginal_entropy = -at::xlogy(mean_target, mean_target).sum() * share;
  result.logit_std = mean_deviation(teacher) * share;
  at::Tensor used = at::zeros({num_classes}, teacher.options());
  used.index_fill_(0, targets.first_choices, 1);
  result.prototypes_used = used.sum(at::kDouble) / static_cast<double>(global_views * rows) * share;
  // each target stands in V - 1 pairs, so the mean over pairs of H(P) is the mean over targets
  result.kl = result.loss.detach() - result.teacher_entropy;
  return result;
}

}  // namespace spc
