#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>

#include "unit/loader/view_cases.h"

namespace spc {
namespace {

// log(exp x + g exp n) in double, with g from the mean powers.
std::vector<float> mixed(const std::vector<float>& x, const std::vector<double>& noise_powers,
                         double snr_db) {
  double noise = 0;
  for (const double power : noise_powers) noise += power / static_cast<double>(noise_powers.size());
  const double gain = mean_power(x) / noise / std::pow(10.0, snr_db / 10);
  std::vector<float> result;
  for (size_t i = 0; i < x.size(); ++i) {
    result.push_back(
        static_cast<float>(std::log(std::exp(static_cast<double>(x[i])) + gain * noise_powers[i])));
  }
  return result;
}

std::vector<double> steady_powers(const std::vector<double>& levels) {
  std::vector<double> powers(static_cast<size_t>(kFrames * kBins));
  for (const double level : levels) {
    for (size_t i = 0; i < powers.size(); ++i)
      powers[i] += std::exp(level + 0.5 * static_cast<double>(i % kBins));
  }
  return powers;
}

class MixPowers : public testing::TestWithParam<double> {};

TEST_P(MixPowers, ReachesTheAskedSignalToNoiseRatio) {
  const double snr_db = GetParam();
  std::vector<float> x;  // natural-log powers as speech has them
  std::vector<float> noise_powers;
  for (int i = 0; i < 4000; ++i) {
    x.push_back(static_cast<float>(8 + 3 * std::sin(0.37 * i)));
    noise_powers.push_back(static_cast<float>(std::exp(2 + std::sin(0.11 * i * i))));
  }
  const std::vector<float> before = x;
  mix_powers(x.data(), noise_powers, snr_db);
  double added = 0;
  for (size_t i = 0; i < x.size(); ++i) {
    added += std::exp(static_cast<double>(x[i])) - std::exp(static_cast<double>(before[i]));
  }
  const double measured =
      10 * std::log10(mean_power(before) / (added / static_cast<double>(x.size())));
  EXPECT_NEAR(measured, snr_db, 1e-4);
}

INSTANTIATE_TEST_SUITE_P(Decibel, MixPowers, testing::Values(-10.0, 0.0, 5.0, 10.0, 15.0));

TEST(Mixing, WithCertaintyIsTheFormulaAppliedToTheCrop) {
  AugmentConfig config;
  config.speech_prob = 1;
  config.speech_snr_low = config.speech_snr_high = 7;
  ViewMaker speech(config);
  config = {};
  config.babble_prob = 1;
  config.babble_min = config.babble_max = 3;
  config.babble_snr_low = config.babble_snr_high = 2;
  ViewMaker babble(config);
  config = {};
  config.noise_prob = 1;
  config.noise_snr_low = config.noise_snr_high = -4;
  ViewMaker noise(config);
  for (uint64_t i = 0; i < 30; ++i) {
    const Random random(4, {i});
    const std::vector<float> crop = crop_of(speech.feats(), random);
    EXPECT_LT(largest_difference(speech(random), without_mean(mixed(crop, steady_powers({1}), 7))),
              2e-5);
    EXPECT_LT(
        largest_difference(babble(random), without_mean(mixed(crop, steady_powers({1, 2, 3}), 2))),
        2e-5);
    EXPECT_LT(largest_difference(noise(random), without_mean(mixed(crop, steady_powers({-1}), -4))),
              2e-5);
    EXPECT_GT(largest_difference(speech(random), without_mean(crop)), 0.1);
    EXPECT_EQ(std::make_pair(speech.corpus_draws, speech.noise_draws), std::make_pair(1, 0));
    EXPECT_EQ(std::make_pair(babble.corpus_draws, babble.noise_draws), std::make_pair(3, 0));
    EXPECT_EQ(std::make_pair(noise.corpus_draws, noise.noise_draws), std::make_pair(0, 1));
  }
}

TEST(Mixing, ABabbleIsOfAsManyUtterancesAsAllowed) {
  AugmentConfig config;
  config.babble_prob = 1;
  config.babble_min = 2;
  config.babble_max = 5;
  ViewMaker make(config);
  std::map<int, int> counts;
  for (uint64_t i = 0; i < 400; ++i) {
    (void)make(Random(1, {i}));
    ++counts[make.corpus_draws];
  }
  EXPECT_EQ(counts.size(), 4u);
  for (int size = 2; size <= 5; ++size) EXPECT_GT(counts[size], 60) << size << " utterances";
}

TEST(Mixing, EachKindComesAsOftenAsItsProbabilitySays) {
  AugmentConfig config;
  config.speech_prob = 0.2;
  config.babble_prob = 0.3;
  config.babble_min = 2;
  config.noise_prob = 0.1;
  ViewMaker make(config);
  int speech = 0, babble = 0, noise = 0, none = 0;
  for (uint64_t i = 0; i < 4000; ++i) {
    const Random random(1, {i});
    const std::vector<float> view = make(random);
    speech += make.corpus_draws == 1 ? 1 : 0;
    babble += make.corpus_draws > 1 ? 1 : 0;
    noise += make.noise_draws;
    if (make.corpus_draws + make.noise_draws > 0) continue;
    ++none;
    ASSERT_EQ(view, without_mean(crop_of(make.feats(), random)));
  }
  EXPECT_EQ(speech + babble + noise + none, 4000);
  EXPECT_NEAR(speech, 800, 100);  // four standard deviations
  EXPECT_NEAR(babble, 1200, 116);
  EXPECT_NEAR(noise, 400, 76);
}

// In a frame without power there is the noise alone, in a loud one the utterance: their distance
// tells the gain.
TEST(Mixing, RatiosFillTheirRange) {
  std::vector<float> feats;
  for (int64_t t = 0; t < kFrames; ++t)
    feats.insert(feats.end(), kBins, t % 2 == 0 ? 18.0f : -70.0f);
  AugmentConfig config;
  config.noise_prob = 1;
  config.noise_snr_low = 3;
  config.noise_snr_high = 9;
  ViewMaker make(config, feats);
  std::vector<double> ratios;
  for (uint64_t i = 0; i < 300; ++i) {
    const std::vector<float> view = make(Random(1, {i}));
    // loud: log(e^18 + g n), quiet: log(g n), so the distance is log(e^18 / (g n) + 1)
    const double loud_over_noise =
        std::exp(static_cast<double>(view[0]) - static_cast<double>(view[kBins])) - 1;
    const double noise_of_bin_0 =
        std::exp(-1.0) / mean_power(steady(-1, 1));  // relative to the mean over bins
    ratios.push_back(10 * std::log10(0.5 * loud_over_noise * noise_of_bin_0));
  }
  const auto [low, high] = std::minmax_element(ratios.begin(), ratios.end());
  EXPECT_GT(*low, 3 - 1e-3);
  EXPECT_LT(*low, 3.2);
  EXPECT_LT(*high, 9 + 1e-3);
  EXPECT_GT(*high, 8.8);
}

}  // namespace
}  // namespace spc
