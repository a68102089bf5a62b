#include "feat/levels.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numbers>
#include <vector>

namespace spc {
namespace {

/// 100 whole periods of 160 samples.
std::vector<float> sine(double amplitude) {
  std::vector<float> samples(16000);
  for (size_t i = 0; i < samples.size(); ++i)
    samples[i] = static_cast<float>(amplitude *
                                    std::sin(2 * std::numbers::pi * static_cast<double>(i) / 160));
  return samples;
}

/// The share times the number of samples.
double clipped_samples(const std::vector<float>& samples) {
  return std::round(static_cast<double>(measure_levels(samples).clipped) *
                    static_cast<double>(samples.size()));
}

TEST(Levels, OfASineAreItsAmplitudeAndThreeDecibelsLess) {
  const Levels full = measure_levels(sine(32768));
  EXPECT_NEAR(full.peak_db, 0, 1e-4);
  EXPECT_NEAR(full.rms_db, -3.0103, 1e-4);
  const Levels half = measure_levels(sine(16384));
  EXPECT_NEAR(half.peak_db, -6.0206, 1e-4);
  EXPECT_NEAR(half.rms_db, -9.0309, 1e-4);
  EXPECT_EQ(half.clipped, 0);
}

TEST(Levels, OfASquareWaveOfFullScaleAreZero) {
  std::vector<float> square(1000, 32768);
  std::fill_n(square.begin(), 500, -32768.0F);
  const Levels levels = measure_levels(square);
  EXPECT_NEAR(levels.peak_db, 0, 1e-6);
  EXPECT_NEAR(levels.rms_db, 0, 1e-6);
  EXPECT_EQ(levels.clipped, 1);
}

TEST(Levels, OfNothingAreTheLeast) {
  for (const std::vector<float>& silence : {std::vector<float>(100, 0), std::vector<float>()}) {
    const Levels levels = measure_levels(silence);
    EXPECT_EQ(levels.peak_db, kLeastDb);
    EXPECT_EQ(levels.rms_db, kLeastDb);
    EXPECT_EQ(levels.clipped, 0);
  }
  EXPECT_NEAR(measure_levels(std::vector<float>{0, 1, 0, 0}).peak_db, -90.309, 1e-3)
      << "the least of 16 bits";
}

TEST(Clipping, IsThreeEqualSamplesAtFullScale) {
  EXPECT_EQ(clipped_samples({0, 32767, 32767, 0, 32767, 0}), 0);
  EXPECT_EQ(clipped_samples({0, 32767, 32767, 32767, 0, 32767, 32767}), 3);
  EXPECT_EQ(clipped_samples({-32768, -32768, -32768, -32768}), 4);
  EXPECT_EQ(clipped_samples({32767, 32767, -32768, -32768, 32767}), 0) << "of two signs";
  EXPECT_EQ(clipped_samples({-32768, -32767, -32768}), 3) << "both are the last step";
}

TEST(Clipping, IsSeenBeyondFullScaleAndJustBelowIt) {
  EXPECT_EQ(clipped_samples({40000, 32767, 36000}), 3) << "as decoders of lossy formats give it";
  EXPECT_EQ(clipped_samples({32500, 32500, 32500, 1}), 3);
  EXPECT_EQ(clipped_samples({32500, 32501, 32502, 1}), 0) << "a crest, not a plateau";
  EXPECT_EQ(clipped_samples({32000, 32000, 32000, 1}), 0) << "too far below";
}

TEST(Clipping, OfACutSineIsWhatWasCut) {
  std::vector<float> samples = sine(40000);
  double cut = 0;
  for (float& sample : samples) {
    const float kept = std::clamp(sample, -32768.0F, 32767.0F);
    cut += kept == sample ? 0 : 1;
    sample = kept;
  }
  EXPECT_GT(cut, 1000);
  EXPECT_EQ(clipped_samples(samples), cut);
  EXPECT_EQ(clipped_samples(sine(32760)), 0) << "loud, but whole";
}

}  // namespace
}  // namespace spc
