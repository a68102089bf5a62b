#include "train/collapse_monitor.h"

#include <algorithm>
#include <cmath>

#include "base/error.h"

namespace spc {

std::string CollapseMonitor::add(double epoch, double loss, double teacher_entropy) {
  std::string warning;
  const auto index = static_cast<int64_t>(epoch);
  if (index != epoch_) {
    if (steps_ > 0 && static_cast<double>(epoch_) >= warmup_epochs_) {
      if (largest_distance_ < 0.01) {
        warning = concat("collapse: in epoch ", epoch_,
                         " the loss stayed within 1 % of ln K = ", uniform_loss_,
                         ", the network tells nothing apart; lower dino.teacher_temp or the "
                         "learning rate, or raise dino.center_momentum");
      } else if (largest_entropy_ < 0.01 * uniform_loss_) {
        warning = concat("collapse: in epoch ", epoch_,
                         " the teacher's entropy stayed near 0, it always points at one prototype; "
                         "raise dino.teacher_temp or lower dino.center_momentum");
      }
    }
    epoch_ = index;
    steps_ = 0;
    largest_distance_ = 0;
    largest_entropy_ = 0;
  }
  ++steps_;
  largest_distance_ = std::max(largest_distance_, std::abs(loss - uniform_loss_) / uniform_loss_);
  largest_entropy_ = std::max(largest_entropy_, teacher_entropy);
  return warning;
}

}  // namespace spc
