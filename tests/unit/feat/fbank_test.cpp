// Fbank against Kaldi's numbers (tests/reference/fbank.py) and against what must hold for any wave.
#include "feat/fbank.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <cfloat>
#include <cmath>
#include <fstream>
#include <latch>
#include <numbers>
#include <sstream>
#include <thread>
#include <tuple>

#include "base/error.h"
#include "base/file.h"
#include "feat/wave.h"
#include "unit/kernels/processors.h"

namespace spc {
namespace {

const std::filesystem::path kData = SPC_REFERENCE_DIR;
const float kLogFloor = std::log(FLT_EPSILON);

const std::vector<float>& speech() {
  static const Wave wave = read_wave(kData / "speech_16k.wav", 16000);
  return wave.samples;
}

struct Reference {
  FbankConfig config;
  int64_t num_frames = 0;
  std::vector<int64_t> rows;    // the frames that are stored
  std::vector<float> features;  // [rows, F]
};

std::vector<Reference> read_references() {
  static_assert(std::endian::native == std::endian::little);
  std::ifstream table(kData / "fbank.tsv");
  std::ifstream numbers(kData / "fbank.f32", std::ios::binary);
  std::string line;
  std::getline(table, line);  // the heading
  std::vector<Reference> references;
  while (std::getline(table, line)) {
    Reference one;
    FbankConfig& c = one.config;
    std::string row;
    std::istringstream fields(line);
    fields >> c.num_mel_bins >> c.sample_rate >> c.frame_length_ms >> c.frame_shift_ms >>
        c.window >> c.preemphasis >> c.low_freq >> c.high_freq >> c.snip_edges >> one.num_frames >>
        std::ws;
    while (std::getline(fields, row, ',')) one.rows.push_back(std::stoll(row));
    one.features.resize(one.rows.size() * static_cast<size_t>(c.num_mel_bins));
    const auto bytes = static_cast<std::streamsize>(one.features.size() * sizeof(float));
    numbers.read(reinterpret_cast<char*>(one.features.data()), bytes);
    SPC_CHECK(numbers.gcount() == bytes, "fbank.f32 is too short");
    references.push_back(std::move(one));
  }
  SPC_CHECK(numbers.peek() == std::char_traits<char>::eof(), "fbank.f32 is too long");
  return references;
}

/// Not tonal, not speech, without a file.
std::vector<float> noise(size_t num_samples, double level, uint64_t seed = 1) {
  Random random(seed, {});
  std::vector<float> samples(num_samples);
  for (float& sample : samples) sample = static_cast<float>(level * random.normal());
  return samples;
}

float max_difference(const std::vector<float>& a, const std::vector<float>& b) {
  SPC_CHECK(a.size() == b.size() && !a.empty(), "sizes ", a.size(), " and ", b.size());
  float largest = 0;
  for (size_t i = 0; i < a.size(); ++i) {
    const float difference = std::abs(a[i] - b[i]);
    if (!(difference <= largest)) largest = difference;  // a NaN stays
  }
  return largest;
}

std::string usage_error(const FbankConfig& config) {
  try {
    const Fbank fbank(config);
  } catch (const UsageError& error) {
    return error.what();
  }
  return "no error";
}

TEST(FbankReferenceTest, AgreesWithKaldiToOneThousandth) {
  const std::vector<Reference> references = read_references();
  ASSERT_EQ(references.size(), 18U);
  float worst = 0;
  on_every_processor([&] {
    for (const Reference& reference : references) {
      SCOPED_TRACE(reference.config.description());
      const auto columns = static_cast<size_t>(reference.config.num_mel_bins);
      const std::vector<float> all = Fbank(reference.config).compute(speech());
      ASSERT_EQ(all.size(), static_cast<size_t>(reference.num_frames) * columns);
      ASSERT_GT(reference.rows.size(), 20U);
      std::vector<float> stored;
      for (const int64_t row : reference.rows) {
        const auto begin = all.begin() + row * static_cast<int64_t>(columns);
        stored.insert(stored.end(), begin, begin + static_cast<int64_t>(columns));
      }
      const float difference = max_difference(stored, reference.features);
      EXPECT_LE(difference, 1e-3F);
      worst = std::max(worst, difference);
    }
  });
  RecordProperty("worst_difference", std::to_string(worst));
}

struct FramesCase {
  const char* name;
  bool snip_edges;
  int64_t num_samples, num_frames;
};
class FbankFramesTest : public testing::TestWithParam<FramesCase> {};
TEST_P(FbankFramesTest, CountsAndComputesAsMany) {
  FbankConfig config;
  config.snip_edges = GetParam().snip_edges;
  const Fbank fbank(config);
  EXPECT_EQ(fbank.num_frames(GetParam().num_samples), GetParam().num_frames);
  const auto samples = noise(static_cast<size_t>(GetParam().num_samples), 1000);
  EXPECT_EQ(fbank.compute(samples).size(),
            static_cast<size_t>(GetParam().num_frames * config.num_mel_bins));
}
INSTANTIATE_TEST_SUITE_P(ByHand, FbankFramesTest,
                         testing::Values(FramesCase{"snip_none", true, 0, 0},
                                         FramesCase{"snip_one_short", true, 399, 0},
                                         FramesCase{"snip_just_one", true, 400, 1},
                                         FramesCase{"snip_still_one", true, 559, 1},
                                         FramesCase{"snip_two", true, 560, 2},
                                         FramesCase{"snip_second", true, 16000, 98},
                                         FramesCase{"mirror_none", false, 0, 0},
                                         FramesCase{"mirror_one_short", false, 79, 0},
                                         FramesCase{"mirror_just_one", false, 80, 1},
                                         FramesCase{"mirror_second", false, 16000, 100}),
                         [](const auto& each) { return std::string(each.param.name); });

TEST(FbankTest, GainShiftsByTwiceItsLogarithm) {
  const Fbank fbank{FbankConfig{}};
  std::vector<float> samples = noise(16000, 100);
  std::vector<float> expected = fbank.compute(samples);
  for (float& sample : samples) sample *= 3.0F;
  for (float& value : expected) value += 2.0F * std::log(3.0F);
  EXPECT_LT(max_difference(fbank.compute(samples), expected), 1e-4F);
}

TEST(FbankTest, ConstantOffsetChangesNothing) {
  FbankConfig config;
  config.low_freq = 0;  // a bin that would see the offset
  const Fbank fbank(config);
  std::vector<float> samples = noise(16000, 1000);
  const std::vector<float> expected = fbank.compute(samples);
  for (float& sample : samples) sample += 2000.0F;
  EXPECT_LT(max_difference(fbank.compute(samples), expected), 1e-2F);
}

TEST(FbankTest, ShiftByOneFrameMovesTheRows) {
  const Fbank fbank{FbankConfig{}};
  const std::vector<float> samples = noise(8000, 1000);
  const std::vector<float> whole = fbank.compute(samples);
  const std::vector<float> later = fbank.compute(std::span(samples).subspan(160));
  EXPECT_EQ(later, std::vector<float>(whole.begin() + 64, whole.end()));
}

TEST(FbankTest, MirrorsAtTheEdges) {
  FbankConfig config;
  config.snip_edges = false;
  const std::vector<float> samples = noise(1000, 1000);
  // The first frame is centred on sample 80: it starts 120 before the wave. The wave mirrored by
  // hand has it in the open.
  std::vector<float> mirrored(samples.rend() - 120, samples.rend());
  mirrored.insert(mirrored.end(), samples.begin(), samples.end());
  const std::vector<float> first = Fbank(FbankConfig{}).compute(std::span(mirrored).first(400));
  const std::vector<float> all = Fbank(config).compute(samples);
  EXPECT_EQ(std::vector<float>(all.begin(), all.begin() + 64), first);
}

TEST(FbankTest, ToneStandsOutInItsOwnBin) {
  const Fbank fbank{FbankConfig{}};
  std::vector<float> samples(400);
  for (size_t i = 0; i < samples.size(); ++i) {
    samples[i] = static_cast<float>(
        10000 * std::sin(2 * std::numbers::pi * 1000 * static_cast<double>(i) / 16000));
  }
  const std::vector<float> row = fbank.compute(samples);
  // By hand: mel(20) = 31.75 and mel(8000) = 2840.02, so a bin every 43.20 mel; mel(1000) = 999.99
  // lies 22.41 steps up, and the nearest centre, 22 steps up, is that of bin 21.
  EXPECT_EQ(std::max_element(row.begin(), row.end()) - row.begin(), 21);
}

TEST(FbankTest, FramesDoNotDependOnTheirNeighbours) {
  const Fbank fbank{FbankConfig{}};
  const std::vector<float> samples =
      noise(400 + 160 * 149, 1000);  // more than are computed at once
  const std::vector<float> whole = fbank.compute(samples);
  for (size_t first = 0; first < 150; first += 7) {
    const std::vector<float> alone = fbank.compute(std::span(samples).subspan(160 * first, 400));
    const auto begin = whole.begin() + static_cast<int64_t>(64 * first);
    EXPECT_EQ(alone, std::vector<float>(begin, begin + 64)) << first;
  }
}

TEST(FbankTest, AnInfiniteSampleStaysSeen) {
  std::vector<float> samples(400);
  samples[7] = INFINITY;
  for (const float value : Fbank(FbankConfig{}).compute(samples))
    EXPECT_FALSE(std::isfinite(value));
}

TEST(FbankTest, SilenceIsTheFloor) {
  const std::vector<float> row = Fbank(FbankConfig{}).compute(std::vector<float>(400));
  EXPECT_THAT(row, testing::Each(kLogFloor));
}

TEST(FbankTest, DitherIsAFunctionOfTheRandomStream) {
  FbankConfig config;
  config.dither = 1;
  const Fbank fbank(config);
  const std::vector<float> samples(16000);
  Random one(7, {1, 2}), same(7, {1, 2}), other(7, {1, 3});
  const std::vector<float> features = fbank.compute(samples, &one);
  EXPECT_EQ(features, fbank.compute(samples, &same));
  EXPECT_GT(max_difference(features, fbank.compute(samples, &other)), 0.1F);
}

TEST(FbankTest, DitherHasItsDeviation) {
  FbankConfig config;
  config.dither = 5;
  Random dither(1, {});
  const std::vector<float> dithered = Fbank(config).compute(std::vector<float>(160000), &dither);
  config.dither = 0;
  const std::vector<float> noisy = Fbank(config).compute(noise(160000, 5, 2));
  const auto mean = [](const std::vector<float>& all) {
    double sum = 0;
    for (const float value : all) sum += value;
    return sum / static_cast<double>(all.size());
  };
  EXPECT_NEAR(mean(dithered), mean(noisy), 0.05);  // a dither of 4 or 6 would be 0.36 or more away
}

TEST(FbankTest, DitherWithoutRandomIsAnError) {
  FbankConfig config;
  config.dither = 1;
  EXPECT_THROW(std::ignore = Fbank(config).compute(std::vector<float>(400)), Error);
}

TEST(FbankTest, RandomIsUntouchedWithoutDither) {
  Random random(1, {}), untouched(1, {});
  const std::vector<float> features = Fbank(FbankConfig{}).compute(speech(), &random);
  EXPECT_EQ(random.next_u64(), untouched.next_u64());
}

TEST(FbankTest, ThreadsShareOneObject) {
  const Fbank fbank{FbankConfig{}};
  std::latch both(2);
  // Long enough that the two overlap even on one core.
  const auto count_wrong = [&](uint64_t seed) {
    const std::vector<float> samples = noise(160000, 1000, seed);
    const std::vector<float> alone = fbank.compute(samples);
    both.arrive_and_wait();
    int wrong = 0;
    for (int round = 0; round < 30; ++round) wrong += fbank.compute(samples) == alone ? 0 : 1;
    return wrong;
  };
  int other_wrong = -1;
  std::thread other([&] { other_wrong = count_wrong(2); });
  EXPECT_EQ(count_wrong(1), 0);
  other.join();
  EXPECT_EQ(other_wrong, 0);
}

TEST(FbankConfigTest, OptionsReachEveryField) {
  FbankConfig config;
  OptionSet options("usage");
  config.add_to(options);
  EXPECT_EQ(options.resolved().size(), 10U);
  ASSERT_TRUE(
      options.parse({"--fbank.num_mel_bins=40", "--fbank.sample_rate=8000",
                     "--fbank.frame_length_ms=20", "--fbank.frame_shift_ms=12.5",
                     "--fbank.window=hamming", "--fbank.preemphasis=0.9", "--fbank.low_freq=60",
                     "--fbank.high_freq=-200", "--fbank.dither=0.5", "--fbank.snip_edges=false"}));
  EXPECT_EQ(config.description(),
            "num_mel_bins=40 sample_rate=8000 frame_length_ms=20 frame_shift_ms=12.5 "
            "window=hamming preemphasis=0.9 low_freq=60 "
            "high_freq=-200 dither=0.5 snip_edges=false");
}

TEST(FbankConfigTest, ParsingRunsTheChecks) {
  FbankConfig config;
  OptionSet options("usage");
  config.add_to(options);
  EXPECT_THROW(options.parse({"--fbank.window=hann"}), UsageError);
}

struct BadConfigCase {
  const char* name;
  void (*spoil)(FbankConfig&);
  const char* message;
};
class FbankBadConfigTest : public testing::TestWithParam<BadConfigCase> {};
TEST_P(FbankBadConfigTest, NamesTheKey) {
  FbankConfig config;
  GetParam().spoil(config);
  EXPECT_EQ(usage_error(config), GetParam().message);
}
INSTANTIATE_TEST_SUITE_P(
    ByHand, FbankBadConfigTest,
    testing::Values(
        BadConfigCase{"bins", [](FbankConfig& c) { c.num_mel_bins = 2; },
                      "fbank.num_mel_bins = 2, must be >= 3"},
        BadConfigCase{"narrow_bins", [](FbankConfig& c) { c.num_mel_bins = 200; },
                      "fbank.num_mel_bins = 200: bin 2 would be narrower than the 31.25 Hz between "
                      "two lines of the spectrum; take fewer "
                      "bins or longer frames"},
        BadConfigCase{"rate", [](FbankConfig& c) { c.sample_rate = 16; },
                      "fbank.sample_rate = 16 Hz, must be 1000 to 768000"},
        BadConfigCase{
            "length", [](FbankConfig& c) { c.frame_length_ms = 0.1; },
            "fbank.frame_length_ms = 0.1, must be at least two samples and at most 1000 ms"},
        BadConfigCase{
            "shift", [](FbankConfig& c) { c.frame_shift_ms = NAN; },
            "fbank.frame_shift_ms = nan, must be at least one sample and at most 1000 ms"},
        BadConfigCase{"window", [](FbankConfig& c) { c.window = "hann"; },
                      "fbank.window = hann, must be povey or hamming"},
        BadConfigCase{"preemphasis", [](FbankConfig& c) { c.preemphasis = 1.5; },
                      "fbank.preemphasis = 1.5, must be 0 to 1"},
        BadConfigCase{"low", [](FbankConfig& c) { c.low_freq = 8000; },
                      "fbank.low_freq = 8000 Hz, must be 0 or more and below 8000"},
        BadConfigCase{"high", [](FbankConfig& c) { c.high_freq = 8001; },
                      "fbank.high_freq = 8001 means 8001 Hz, must be above fbank.low_freq = 20 and "
                      "at most 8000"},
        BadConfigCase{"low_high", [](FbankConfig& c) { c.high_freq = -7990; },
                      "fbank.high_freq = -7990 means 10 Hz, must be above fbank.low_freq = 20 and "
                      "at most 8000"},
        BadConfigCase{"dither", [](FbankConfig& c) { c.dither = -1; },
                      "fbank.dither = -1, must be >= 0"}),
    [](const auto& each) { return std::string(each.param.name); });

}  // namespace
}  // namespace spc
