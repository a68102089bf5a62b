// Augmented copies, of recordings that the test writes itself.
#include "feat/wave_augment.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstdlib>
#include <fstream>
#include <set>

#include "base/error.h"
#include "unit/feat/audio_files.h"

namespace spc {
namespace {

using testing::HasSubstr;
using testing::MatchesRegex;

constexpr int kRate = 16000;

double power(const std::vector<float>& samples) {
  double sum = 0;
  for (const float sample : samples) sum += static_cast<double>(sample) * sample;
  return sum / static_cast<double>(samples.size());
}

/// 10 log10 of the power of the signal over that of what was added to it.
double measured_snr(const std::vector<float>& clean, const std::vector<float>& mixed) {
  std::vector<float> added(clean.size());
  for (size_t i = 0; i < added.size(); ++i) added[i] = mixed[i] - clean[i];
  return 10 * std::log10(power(clean) / power(added));
}

std::vector<float> voice(int64_t count) {
  Random random(99, {});
  std::vector<float> samples(static_cast<size_t>(count));
  for (size_t i = 0; i < samples.size(); ++i)
    samples[i] =
        static_cast<float>(3000 * std::sin(0.05 * static_cast<double>(i)) + 300 * random.normal());
  return samples;
}

class WaveAugmentTest : public testing::Test {
 protected:
  [[nodiscard]] CopySources sources() const {
    return {{noise_short_, noise_long_}, {music_}, {voices_.begin(), voices_.end()}, {rir_}};
  }
  [[nodiscard]] std::string impulse(const std::string& name, int64_t peak) const {
    // A direct sound after some silence, and an echo; two channels, the second of which is noise.
    std::vector<float> frames(2 * 4000);
    Random random(5, {});
    for (size_t i = 0; i < 4000; ++i) frames[2 * i + 1] = static_cast<float>(random.uniform(-1, 1));
    frames[static_cast<size_t>(2 * peak)] = 0.5F;
    frames[static_cast<size_t>(2 * (peak + 800))] = -0.25F;
    const std::string path = folder_ / name;
    SF_INFO info{};
    info.samplerate = kRate;
    info.channels = 2;
    info.format = SF_FORMAT_WAV | SF_FORMAT_FLOAT;
    SNDFILE* file = sf_open(path.c_str(), SFM_WRITE, &info);
    SPC_CHECK(file != nullptr, sf_strerror(nullptr));
    sf_writef_float(file, frames.data(), 4000);
    sf_close(file);
    return path;
  }

  AudioFiles folder_;
  std::string noise_short_ = folder_.audio("noise-short.wav", 0.2, 1);
  std::string noise_long_ = folder_.audio("noise-long.wav", 4, 2);
  std::string music_ =
      folder_.audio("music.flac", 3, 3, {SF_FORMAT_FLAC | SF_FORMAT_PCM_16, 44100, 2});
  std::vector<std::string> voices_{folder_.audio("v1.wav", 2, 4), folder_.audio("v2.wav", 0.5, 5)};
  std::string rir_ = impulse("rir.wav", 120);
};

// 64 copies: of every kind, each with the ratio that its recipe states, to the digits it has.
TEST_F(WaveAugmentTest, TheMeasuredRatioIsTheOneAskedFor) {
  CopiesConfig config{.num = 64, .reverb_prob = 0};
  const WaveAugmenter augmenter(config, {sources().noise, sources().music, sources().speech, {}},
                                kRate);
  const std::vector<float> clean = voice(20000);
  std::set<std::string> kinds;
  std::set<double> ratios;
  for (int copy = 1; copy <= config.num; ++copy) {
    const Copy made = augmenter.make(clean, "utt", "utt.wav", copy);
    ASSERT_THAT(made.recipe, MatchesRegex("(noise|music|speech) -?[0-9.]+ dB .+"));
    const std::string kind = made.recipe.substr(0, made.recipe.find(' '));
    kinds.insert(kind);
    const double ratio = std::strtod(made.recipe.c_str() + kind.size() + 1, nullptr);
    ratios.insert(ratio);
    EXPECT_NEAR(measured_snr(clean, made.samples), ratio, 0.06) << made.recipe;
    const double low = kind == "noise" ? 0 : kind == "music" ? 5 : 13;
    EXPECT_GE(ratio, low - 0.06);
    EXPECT_LE(ratio, (kind == "speech" ? 20 : 15) + 0.06);
  }
  EXPECT_EQ(kinds.size(), 3u);
  EXPECT_GT(ratios.size(), 30u);
}

TEST(MixWaves, ReachesTheRatioExactly) {
  for (const double snr_db : {-5.0, 0.0, 7.25, 20.0}) {
    const std::vector<float> clean = voice(8000);
    std::vector<float> noise(8000);
    Random random(3, {});
    for (float& sample : noise) sample = static_cast<float>(random.normal());
    std::vector<float> mixed = clean;
    mix_waves(mixed, noise, snr_db);
    EXPECT_NEAR(measured_snr(clean, mixed), snr_db, 1e-3);
  }
}

TEST(MixWaves, LeavesSilenceAsItIs) {
  std::vector<float> silence(100);
  mix_waves(silence, std::vector<float>(100, 1.0F), 10);
  EXPECT_EQ(silence, std::vector<float>(100));
}

// The direct sound stays where it was, the echo comes 800 samples later, the energy of the response
// is 1, and the second channel is not heard.
TEST_F(WaveAugmentTest, ReverberationKeepsItsPlaceInTime) {
  const WaveAugmenter augmenter({.num = 1, .reverb_prob = 1}, {{}, {}, {}, {rir_}}, kRate);
  std::vector<float> click(3000);
  click[1000] = 10000;
  const Copy made = augmenter.make(click, "utt", "utt.wav", 1);
  EXPECT_EQ(made.recipe, "reverb rir.wav");
  ASSERT_EQ(made.samples.size(), click.size());
  const double scale = 10000 / std::hypot(0.5, 0.25);
  for (size_t i = 0; i < click.size(); ++i) {
    const double expected = i == 1000 ? 0.5 * scale : i == 1800 ? -0.25 * scale : 0;
    EXPECT_NEAR(made.samples[i], expected, 0.1) << i;
  }
}

TEST_F(WaveAugmentTest, BothAreInOneCopyWhenAskedFor) {
  const WaveAugmenter augmenter({.num = 1, .reverb_prob = 1, .both_prob = 1}, sources(), kRate);
  const Copy made = augmenter.make(voice(5000), "utt", "utt.wav", 1);
  EXPECT_THAT(made.recipe, MatchesRegex("reverb rir.wav \\+ (noise|music|speech) .*"));
}

TEST_F(WaveAugmentTest, ACopyIsAFunctionOfSeedUtteranceAndNumber) {
  const std::vector<float> clean = voice(6000);
  const WaveAugmenter one({.num = 4}, sources(), kRate);
  const WaveAugmenter same({.num = 2}, sources(), kRate);
  const WaveAugmenter other({.num = 4, .seed = 1}, sources(), kRate);
  const Copy copy = one.make(clean, "utt", "utt.wav", 2);
  EXPECT_EQ(copy.samples, same.make(clean, "utt", "utt.wav", 2).samples);
  EXPECT_NE(copy.samples, one.make(clean, "utt", "utt.wav", 1).samples);
  EXPECT_NE(copy.samples, one.make(clean, "other", "other.wav", 2).samples);
  EXPECT_NE(copy.samples, other.make(clean, "utt", "utt.wav", 2).samples);
  EXPECT_NE(one.description(), other.description());
}

TEST_F(WaveAugmentTest, SharesOfTheKindsAreThoseAskedFor) {
  const WaveAugmenter augmenter({.num = 100, .reverb_prob = 0.3, .both_prob = 0.5}, sources(),
                                kRate);
  const std::vector<float> clean = voice(500);
  int reverb = 0, both = 0;
  for (int copy = 0; copy < 1000; ++copy) {
    const std::string recipe = augmenter.make(clean, "utt", "utt.wav", copy).recipe;
    const bool reverberated = recipe.starts_with("reverb");
    reverb += reverberated ? 1 : 0;
    both += reverberated && recipe.find(" + ") != std::string::npos ? 1 : 0;
  }
  EXPECT_NEAR(reverb, 300, 60);  // four standard deviations
  EXPECT_NEAR(both, reverb / 2.0, 40);
}

TEST_F(WaveAugmentTest, BrokenRecordingsAreNamedOnceAndLeftOut) {
  const std::string text = folder_ / "text.wav";
  std::ofstream(text) << "no audio";
  // Its header is right, its middle is not.
  const std::string broken =
      folder_.audio("broken.flac", 3, 7, {SF_FORMAT_FLAC | SF_FORMAT_PCM_16, kRate, 1});
  {
    std::fstream file(broken, std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(3000);
    file << std::string(60000, '\xff');
  }
  testing::internal::CaptureStderr();
  const WaveAugmenter augmenter({.num = 20, .reverb_prob = 0},
                                {{text, broken, noise_long_}, {}, {}, {}}, kRate);
  for (int copy = 1; copy <= 20; ++copy)
    EXPECT_THAT(augmenter.make(voice(30000), "utt", "utt.wav", copy).recipe,
                HasSubstr("noise-long.wav"));
  const std::string said = testing::internal::GetCapturedStderr();
  EXPECT_THAT(said, HasSubstr("left out of the noise: cannot read " + text));
  const std::string named = "left out of the noise: cannot read " + broken;
  EXPECT_THAT(said, HasSubstr(named));
  EXPECT_EQ(said.find(named, said.find(named) + 1), std::string::npos);
}

// Drawn from a list that holds the utterance too, the voices are those of others.
TEST_F(WaveAugmentTest, AnUtteranceIsNotMixedWithItself) {
  const std::string own = voices_[0];
  CopiesConfig config{.num = 20, .reverb_prob = 0, .speech_min = 1, .speech_max = 1};
  const WaveAugmenter augmenter(config, {{}, {}, {voices_.begin(), voices_.end()}, {}}, kRate);
  const auto voices_of = [&](const std::string& path) {
    std::set<std::string> names;
    for (int copy = 1; copy <= config.num; ++copy) {
      const std::string recipe = augmenter.make(voice(5000), "utt", path, copy).recipe;
      names.insert(recipe.substr(recipe.rfind(' ') + 1));
    }
    return names;
  };
  EXPECT_EQ(voices_of(own), (std::set<std::string>{"v2.wav"}));
  EXPECT_EQ(voices_of("another.wav"), (std::set<std::string>{"v1.wav", "v2.wav"}));
  const WaveAugmenter alone(config, {{}, {}, {own, own}, {}}, kRate);
  EXPECT_THAT(message_of([&] { (void)alone.make(voice(5000), "utt", own, 1); }),
              HasSubstr("the list of speech holds this recording and no other"));
}

TEST_F(WaveAugmentTest, SaysWhatIsMissing) {
  const auto message = [&](const CopiesConfig& config, const CopySources& given) {
    return message_of([&] { const WaveAugmenter augmenter(config, given, kRate); });
  };
  EXPECT_THAT(message({.num = 1}, {{noise_long_}, {}, {}, {}}), HasSubstr("--rir-scp"));
  EXPECT_THAT(message({.num = 1}, {{}, {}, {}, {rir_}}), HasSubstr("--noise-scp"));
  EXPECT_THAT(message({.num = 1, .reverb_prob = 0}, {{folder_ / "none.wav"}, {}, {}, {}}),
              HasSubstr("none of the 1 files of noise can be used"));
  const std::string silent = folder_ / "silent.wav";
  std::filesystem::copy_file(noise_long_, silent);
  {
    std::fstream file(silent, std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(44);
    file << std::string(4 * kRate * 2, '\0');
  }
  const WaveAugmenter augmenter({.num = 1, .reverb_prob = 0}, {{silent}, {}, {}, {}}, kRate);
  EXPECT_THAT(message_of([&] { (void)augmenter.make(voice(100), "utt", "utt.wav", 1); }),
              HasSubstr("gave nothing but silence"));
}

}  // namespace
}  // namespace spc
