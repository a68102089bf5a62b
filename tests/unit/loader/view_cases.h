// One utterance and draws of other utterances by formula, to make single views from.
#pragma once

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "loader/augment.h"
#include "unit/store/shard_folder.h"

namespace spc {

inline constexpr int64_t kFrames = 24;

/// The crop that make_view takes: its place is the first thing drawn.
inline std::vector<float> crop_of(const std::vector<float>& feats, Random random,
                                  int64_t frames = kFrames) {
  std::vector<float> crop(static_cast<size_t>(frames * kBins));
  random_crop(feats, kBins, frames, random, crop.data());
  return crop;
}

inline std::vector<float> without_mean(std::vector<float> x) {
  subtract_mean(x.data(), static_cast<int64_t>(x.size()) / kBins, kBins);
  return x;
}

inline double mean_power(const std::vector<float>& logs) {
  double sum = 0;
  for (const float x : logs) sum += std::exp(static_cast<double>(x));
  return sum / static_cast<double>(logs.size());
}

inline double largest_difference(const std::vector<float>& a, const std::vector<float>& b) {
  if (a.size() != b.size()) return INFINITY;
  double largest = 0;
  for (size_t i = 0; i < a.size(); ++i)
    largest = std::max(largest, std::abs(static_cast<double>(a[i]) - static_cast<double>(b[i])));
  return largest;
}

/// Utterances whose power does not change over time, so that it does not matter where they are
/// cropped: level + bin / 2.
inline std::vector<float> steady(double level, int64_t frames) {
  std::vector<float> feats;
  for (int64_t t = 0; t < frames; ++t) {
    for (int64_t f = 0; f < kBins; ++f)
      feats.push_back(static_cast<float>(level + 0.5 * static_cast<double>(f)));
  }
  return feats;
}

/// Makes views of one utterance and counts the draws of others. The n-th draw of the corpus is
/// steady(n), those of noise steady(-n).
class ViewMaker {
 public:
  explicit ViewMaker(const AugmentConfig& config = {},
                     std::vector<float> feats = features_of("someone", 90))
      : config_(config), feats_(std::move(feats)) {}

  std::vector<float> operator()(const Random& random, int64_t frames = kFrames) {
    corpus_draws = noise_draws = 0;
    const DrawUtterance corpus = [&](Random&, std::vector<float>& drawn) {
      ++corpus_draws;
      drawn = steady(corpus_draws, 3 + corpus_draws);
    };
    const DrawUtterance noise = [&](Random&, std::vector<float>& drawn) {
      ++noise_draws;
      drawn = steady(-noise_draws, 60);
    };
    std::vector<float> view(static_cast<size_t>(frames * kBins), -1e30f);
    make_view({feats_, kBins, corpus, noise}, config_, frames, random, view.data());
    return view;
  }
  [[nodiscard]] const std::vector<float>& feats() const { return feats_; }

  int corpus_draws = 0;  // during the last view
  int noise_draws = 0;

 private:
  AugmentConfig config_;
  std::vector<float> feats_;
};

}  // namespace spc
