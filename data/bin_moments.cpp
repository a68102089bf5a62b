#include "data/bin_moments.h"

#include <algorithm>
#include <cmath>

#include "base/error.h"

namespace spc {

BinMoments::BinMoments(std::span<const float> feats, size_t num_mel_bins)
    : frames_(static_cast<int64_t>(feats.size() / num_mel_bins)),
      mean_(num_mel_bins),
      squares_(num_mel_bins) {
  for (size_t i = 0; i < feats.size(); i += num_mel_bins)
    for (size_t bin = 0; bin < num_mel_bins; ++bin) mean_[bin] += feats[i + bin];
  for (double& sum : mean_) sum /= static_cast<double>(frames_);
  for (size_t i = 0; i < feats.size(); i += num_mel_bins) {
    for (size_t bin = 0; bin < num_mel_bins; ++bin) {
      const double difference = feats[i + bin] - mean_[bin];
      squares_[bin] += difference * difference;
    }
  }
}

void BinMoments::merge(const BinMoments& other) {
  if (other.frames_ == 0) return;
  if (frames_ == 0) {
    *this = other;
    return;
  }
  SPC_ASSERT(other.mean_.size() == mean_.size(), "frames of as many mel bins");
  const auto mine = static_cast<double>(frames_);
  const auto theirs = static_cast<double>(other.frames_);
  for (size_t bin = 0; bin < mean_.size(); ++bin) {
    const double difference = other.mean_[bin] - mean_[bin];
    mean_[bin] += difference * theirs / (mine + theirs);
    squares_[bin] +=
        other.squares_[bin] + difference * difference * mine * theirs / (mine + theirs);
  }
  frames_ += other.frames_;
}

std::vector<double> BinMoments::deviation() const {
  std::vector<double> deviations = squares_;
  for (double& value : deviations) value = std::sqrt(value / static_cast<double>(frames_));
  return deviations;
}

}  // namespace spc
