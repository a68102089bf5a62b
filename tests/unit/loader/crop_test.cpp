#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "unit/loader/view_cases.h"

namespace spc {
namespace {

// Frame t of these features is t in every bin.
std::vector<float> numbered(int64_t frames) {
  std::vector<float> feats;
  for (int64_t t = 0; t < frames; ++t) feats.insert(feats.end(), kBins, static_cast<float>(t));
  return feats;
}

std::vector<int> frames_of(const std::vector<float>& crop) {
  std::vector<int> frames;
  for (size_t i = 0; i < crop.size(); i += kBins) {
    for (size_t f = 1; f < kBins; ++f) EXPECT_EQ(crop[i + f], crop[i]) << "a frame is torn";
    frames.push_back(static_cast<int>(crop[i]));
  }
  return frames;
}

TEST(Crop, LiesInsideTheUtteranceAndReachesBothEnds) {
  std::set<int> starts;
  for (uint64_t i = 0; i < 400; ++i) {
    const std::vector<int> frames = frames_of(crop_of(numbered(30), Random(1, {i}), 24));
    for (size_t t = 1; t < frames.size(); ++t)
      ASSERT_EQ(frames[t], frames[0] + static_cast<int>(t));
    ASSERT_LE(frames.back(), 29);
    starts.insert(frames[0]);
  }
  EXPECT_THAT(starts, testing::ElementsAre(0, 1, 2, 3, 4, 5, 6));
}

TEST(Crop, OfAnUtteranceOfItsOwnLengthIsAllOfIt) {
  const std::vector<float> feats = features_of("exact", 24);
  for (uint64_t i = 0; i < 20; ++i) EXPECT_EQ(crop_of(feats, Random(1, {i}), 24), feats);
}

TEST(Crop, AShortUtteranceGoesRoundAndRound) {
  for (const int total : {1, 2, 7, 23}) {
    std::set<int> starts;
    for (uint64_t i = 0; i < 400; ++i) {
      const std::vector<int> frames = frames_of(crop_of(numbered(total), Random(1, {i}), 24));
      ASSERT_EQ(frames.size(), 24u);
      for (size_t t = 1; t < frames.size(); ++t)
        ASSERT_EQ(frames[t], (frames[0] + static_cast<int>(t)) % total);
      starts.insert(frames[0]);
    }
    EXPECT_EQ(starts.size(), static_cast<size_t>(total)) << "any frame may come first";
  }
}

TEST(SubtractMean, LeavesEveryBinWithMeanZeroAndItsShape) {
  const std::vector<float> before = features_of("mean", 50);
  const std::vector<float> after = without_mean(before);
  for (size_t f = 0; f < kBins; ++f) {
    double mean = 0;
    for (size_t i = f; i < after.size(); i += kBins) mean += static_cast<double>(after[i]) / 50;
    EXPECT_NEAR(mean, 0, 1e-6);
    for (size_t i = f; i < after.size(); i += kBins)
      EXPECT_NEAR(after[i] - after[f], before[i] - before[f], 1e-5);
  }
}

TEST(View, WithoutAugmentationIsACropMinusItsMean) {
  ViewMaker make;
  for (uint64_t i = 0; i < 20; ++i) {
    const Random random(4, {i});
    EXPECT_EQ(make(random), without_mean(crop_of(make.feats(), random)));
    EXPECT_EQ(make.corpus_draws + make.noise_draws, 0);
  }
}

TEST(View, IsTheSameForTheSameCoordinatesAndAnotherForOthers) {
  AugmentConfig config;
  config.speech_prob = 1;
  config.tilt_db = 3;
  config.time_masks = config.freq_masks = 1;
  ViewMaker make(config);
  const std::vector<float> view = make(Random(1, {2, 3, 4, 5}));
  EXPECT_EQ(view, make(Random(1, {2, 3, 4, 5})));
  EXPECT_NE(view, make(Random(2, {2, 3, 4, 5})));  // seed
  EXPECT_NE(view, make(Random(1, {2, 0, 4, 5})));  // epoch
  EXPECT_NE(view, make(Random(1, {2, 3, 0, 5})));  // utterance
  EXPECT_NE(view, make(Random(1, {2, 3, 4, 0})));  // view
}

}  // namespace
}  // namespace spc
