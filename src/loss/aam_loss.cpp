#include "loss/aam_loss.h"

#include <ATen/ATen.h>

#include <cmath>
#include <limits>
#include <numbers>

#include "base/error.h"

namespace spc {

at::Tensor aam_loss(const at::Tensor& cosines, const at::Tensor& labels, double scale,
                    double margin) {
  SPC_ASSERT(cosines.dim() == 2 && cosines.size(1) >= 2 && labels.dim() == 1 &&
                 labels.size(0) == cosines.size(0),
             "aam_loss: cosines ", cosines.sizes(), ", labels ", labels.sizes());
  constexpr double kLeastSquare = 1e-7;  // the root has no gradient at zero
  const at::Tensor places = labels.unsqueeze(1);
  const at::Tensor own = cosines.gather(1, places);
  const at::Tensor sine = (1 - own.square()).clamp_min(kLeastSquare).sqrt();
  const at::Tensor turned = own * std::cos(margin) - sine * std::sin(margin);
  const at::Tensor beyond = own - margin * std::sin(margin);
  const at::Tensor with_margin =
      at::where(own > std::cos(std::numbers::pi - margin), turned, beyond);
  const at::Tensor others =
      (cosines * scale).scatter(1, places, -std::numeric_limits<double>::infinity());
  return at::softplus(at::logsumexp(others, {1}) - scale * with_margin.squeeze(1), 1, 50);
}

at::Tensor soft_label_loss(const at::Tensor& cosines, const at::Tensor& targets, double scale) {
  SPC_ASSERT(cosines.sizes() == targets.sizes(), "soft_label_loss: cosines ", cosines.sizes(),
             ", targets ", targets.sizes());
  return -(targets * at::log_softmax(cosines * scale, 1)).sum(1);
}

}  // namespace spc
