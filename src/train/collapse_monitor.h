// Says when self-distillation has collapsed: every utterance looks the same to it, or the teacher
// always points at one prototype.
#pragma once

#include <cstdint>
#include <string>

namespace spc {

class CollapseMonitor {
 public:
  /// @param uniform_loss  ln K    @param warmup_epochs  nothing is said before
  CollapseMonitor(double uniform_loss, double warmup_epochs)
      : uniform_loss_(uniform_loss), warmup_epochs_(warmup_epochs) {}

  /// @returns a warning when an epoch has just ended in which every step looked collapsed, else an
  /// empty text
  std::string add(double epoch, double loss, double teacher_entropy);

 private:
  double uniform_loss_;
  double warmup_epochs_;
  int64_t epoch_ = -1;
  int64_t steps_ = 0;
  double largest_distance_ = 0;  // of the loss from ln K, relative
  double largest_entropy_ = 0;
};

}  // namespace spc
