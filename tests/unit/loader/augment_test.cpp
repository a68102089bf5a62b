#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "unit/loader/view_cases.h"

namespace spc {
namespace {

using testing::HasSubstr;

// Width of the one run of zero frames, or of zero bins: places where every value is zero.
int64_t masked_width(const std::vector<float>& view, bool time) {
  const int64_t count = time ? kFrames : kBins;
  const int64_t across = time ? kBins : kFrames;
  int64_t width = 0;
  int64_t runs = 0;
  bool inside = false;
  for (int64_t i = 0; i < count; ++i) {
    bool zero = true;
    for (int64_t j = 0; j < across; ++j)
      zero = zero && view[static_cast<size_t>(time ? i * kBins + j : j * kBins + i)] == 0;
    width += zero ? 1 : 0;
    runs += zero && !inside ? 1 : 0;
    inside = zero;
  }
  EXPECT_LE(runs, 1) << "one mask is one stretch";
  return width;
}

TEST(Masks, OfTimeAreZeroAndNotTooLong) {
  AugmentConfig config;
  config.time_masks = 1;
  config.time_mask_frames = 6;
  ViewMaker make(config);
  std::set<int64_t> widths;
  for (uint64_t i = 0; i < 300; ++i) {
    const Random random(1, {i});
    const std::vector<float> view = make(random);
    const std::vector<float> plain = without_mean(crop_of(make.feats(), random));
    for (size_t j = 0; j < view.size(); ++j) ASSERT_TRUE(view[j] == 0 || view[j] == plain[j]);
    widths.insert(masked_width(view, true));
  }
  EXPECT_THAT(widths, testing::ElementsAre(0, 1, 2, 3, 4, 5, 6));
}

TEST(Masks, OfFrequencyAreZeroAndNotTooWide) {
  AugmentConfig config;
  config.freq_masks = 1;
  config.freq_mask_bins = 3;
  ViewMaker make(config);
  std::set<int64_t> widths;
  for (uint64_t i = 0; i < 300; ++i) widths.insert(masked_width(make(Random(1, {i})), false));
  EXPECT_THAT(widths, testing::ElementsAre(0, 1, 2, 3));
}

TEST(Masks, LongerThanTheViewMayCoverAllOfItAndNoMore) {
  AugmentConfig config;
  config.time_masks = 1;
  config.time_mask_frames = 1000;
  ViewMaker make(config);
  std::set<int64_t> widths;
  for (uint64_t i = 0; i < 600; ++i) widths.insert(masked_width(make(Random(1, {i})), true));
  EXPECT_EQ(*widths.rbegin(), kFrames);
  EXPECT_EQ(widths.size(), static_cast<size_t>(kFrames + 1));
}

TEST(Masks, CoverMoreWhenThereAreMore) {
  const auto zeros = [](int masks) {
    AugmentConfig config;
    config.time_masks = config.freq_masks = masks;
    config.time_mask_frames = 4;
    config.freq_mask_bins = 2;
    ViewMaker make(config);
    int64_t count = 0;
    for (uint64_t i = 0; i < 100; ++i) {
      const std::vector<float> view = make(Random(1, {i}));
      count += std::count(view.begin(), view.end(), 0.0f);
    }
    return count;
  };
  EXPECT_EQ(zeros(0), 0);
  EXPECT_GT(zeros(2), zeros(1) * 3 / 2);
}

// The tilt adds the same curve to every frame, and the mean over time takes it away again: it
// matters to mixing alone.
TEST(Tilt, WithoutMixingLeavesAViewAsItIs) {
  AugmentConfig config;
  config.tilt_db = 6;
  ViewMaker tilted(config);
  ViewMaker plain;
  for (uint64_t i = 0; i < 50; ++i)
    EXPECT_LT(largest_difference(tilted(Random(1, {i})), plain(Random(1, {i}))), 1e-5);
}

TEST(Tilt, ChangesWhichBinsTheNoiseCovers) {
  AugmentConfig config;
  config.noise_prob = 1;
  config.noise_snr_low = config.noise_snr_high = 0;
  ViewMaker level(config);
  config.tilt_db = 6;
  ViewMaker tilted(config);
  // A steady noise over a swelling sound: what is left of the swelling in a bin is its share of the
  // utterance there.
  const auto tilt_of = [](ViewMaker& make, uint64_t i) {
    const std::vector<float> view = make(Random(1, {i}));
    EXPECT_EQ(make.noise_draws, 1);
    return view;
  };
  int changed = 0;
  for (uint64_t i = 0; i < 50; ++i)
    changed += largest_difference(tilt_of(tilted, i), tilt_of(level, i)) > 0.1 ? 1 : 0;
  EXPECT_EQ(changed, 50);
}

TEST(AugmentConfig, IsOffByDefaultAndValid) {
  const AugmentConfig config;
  EXPECT_NO_THROW(config.validate());
  EXPECT_FALSE(config.mixes_corpus());
}

TEST(AugmentConfig, SaysWhichKeyIsWrong) {
  const auto refusal = [](const std::function<void(AugmentConfig&)>& change) {
    AugmentConfig config;
    change(config);
    return message_of<UsageError>([&] { config.validate(); });
  };
  EXPECT_EQ(refusal([](auto& c) { c.speech_prob = -0.1; }),
            "augment.speech_prob = -0.1, must be in 0..1");
  EXPECT_EQ(refusal([](auto& c) { c.noise_prob = 1.5; }),
            "augment.noise_prob = 1.5, must be in 0..1");
  EXPECT_EQ(refusal([](auto& c) { c.babble_prob = std::nan(""); }),
            "augment.babble_prob = nan, must be in 0..1");
  EXPECT_EQ(refusal([](auto& c) { c.babble_snr_low = 30; }),
            "augment.babble_snr_low = 30 is above augment.babble_snr_high = 20");
  EXPECT_EQ(
      refusal([](auto& c) { c.speech_prob = c.babble_prob = c.noise_prob = 0.4; }),
      "augment.speech_prob, babble_prob and noise_prob exclude each other: their sum must be <= 1");
  EXPECT_EQ(refusal([](auto& c) { c.babble_min = 8; }),
            "augment.babble_min must be >= 1 and <= augment.babble_max");
  EXPECT_EQ(refusal([](auto& c) { c.babble_min = 0; }),
            "augment.babble_min must be >= 1 and <= augment.babble_max");
  for (const auto& change : std::vector<std::function<void(AugmentConfig&)>>{
           [](auto& c) { c.tilt_db = -1; }, [](auto& c) { c.time_masks = -1; },
           [](auto& c) { c.time_mask_frames = -1; }, [](auto& c) { c.freq_masks = -1; },
           [](auto& c) { c.freq_mask_bins = -1; }}) {
    EXPECT_EQ(refusal(change), "augment.tilt_db and the mask keys must be >= 0");
  }
}

TEST(AugmentConfig, ProbabilitiesMayAddUpToOne) {
  AugmentConfig config;
  config.speech_prob = 0.7;
  config.babble_prob = 0.2;
  config.noise_prob = 0.1;
  EXPECT_NO_THROW(config.validate());
  EXPECT_TRUE(config.mixes_corpus());
}

}  // namespace
}  // namespace spc
