// Bytes that live at the same time while tensors come and go.
#pragma once

#include <algorithm>
#include <cmath>

namespace spc {

/// What jemalloc gives for so many bytes: its sizes are four to each power of two.
inline double jemalloc_size(double bytes) {
  if (bytes < 16) return bytes;
  const double step = std::exp2(std::floor(std::log2(bytes)) - 2);
  return std::ceil(bytes / step) * step;
}

class MemoryTape {
 public:
  /// @param size_classes  memory comes from jemalloc, which rounds up
  explicit MemoryTape(bool size_classes) : size_classes_(size_classes) {}

  /// `count` tensors of so many bytes live to the end of the step: backward needs them.
  void hold(double bytes, double count = 1) {
    held_ += count * given_for(bytes);
    brief(0);
  }
  /// They live for a moment, beside all that is held.
  void brief(double bytes, double count = 1) {
    peak_ = std::max(peak_, held_ + count * given_for(bytes));
  }

  [[nodiscard]] double peak() const { return peak_; }

 private:
  [[nodiscard]] double given_for(double bytes) const {
    return size_classes_ ? jemalloc_size(bytes) : bytes;
  }

  bool size_classes_;
  double held_ = 0;
  double peak_ = 0;
};

}  // namespace spc
