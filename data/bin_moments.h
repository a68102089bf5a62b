// Mean and deviation of each mel bin over all frames, gathered utterance by utterance.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace spc {

class BinMoments {
 public:
  BinMoments() = default;
  /// Of one utterance. @param feats  [T, F] row-major, finite   @param num_mel_bins  F, > 0
  BinMoments(std::span<const float> feats, size_t num_mel_bins);
  /// Adds other frames of the same bins. In double precision and around the means (Chan, Golub,
  /// LeVeque 1979), so that a corpus of any size loses nothing.
  void merge(const BinMoments& other);

  [[nodiscard]] int64_t frames() const { return frames_; }
  [[nodiscard]] const std::vector<double>& mean() const { return mean_; }  // [F]; empty: no frame
  [[nodiscard]] std::vector<double> deviation() const;  // [F], over all frames, not all but one

 private:
  int64_t frames_ = 0;
  std::vector<double> mean_;     // [F]
  std::vector<double> squares_;  // [F], sums of squared differences from the mean
};

}  // namespace spc
