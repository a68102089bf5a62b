// read_wave on files that the test writes itself.
#include "feat/wave.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sndfile.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <fstream>
#include <limits>
#include <numbers>
#include <string>
#include <thread>
#include <vector>

#include "base/error.h"
#include "base/file.h"

namespace spc {
namespace {

constexpr int kWav16 = SF_FORMAT_WAV | SF_FORMAT_PCM_16;
constexpr int kWavFloat = SF_FORMAT_WAV | SF_FORMAT_FLOAT;
constexpr int kFlac16 = SF_FORMAT_FLAC | SF_FORMAT_PCM_16;
constexpr int kVorbis = SF_FORMAT_OGG | SF_FORMAT_VORBIS;
constexpr size_t kWavHeader = 44;  // bytes, of a plain PCM wav

std::vector<float> sine(double hz, int sample_rate, double seconds, double amplitude = 0.5) {
  std::vector<float> samples(static_cast<size_t>(sample_rate * seconds));
  for (size_t i = 0; i < samples.size(); ++i) {
    samples[i] = static_cast<float>(
        amplitude * std::sin(2 * std::numbers::pi * hz * static_cast<double>(i) / sample_rate));
  }
  return samples;
}

/// Amplitude of one frequency in the inner three quarters of the samples, where no edge is felt.
double amplitude_at(const std::vector<float>& samples, double hz, int sample_rate) {
  double real = 0, imaginary = 0, weights = 0;
  const size_t begin = samples.size() / 8, end = samples.size() - begin;
  for (size_t i = begin; i < end; ++i) {
    const double weight = std::pow(std::sin(std::numbers::pi * static_cast<double>(i - begin) /
                                            static_cast<double>(end - begin)),
                                   2);
    const double phase = 2 * std::numbers::pi * hz * static_cast<double>(i) / sample_rate;
    real += weight * samples[i] * std::cos(phase);
    imaginary += weight * samples[i] * std::sin(phase);
    weights += weight;
  }
  return 2 * std::hypot(real, imaginary) / weights;
}

class WaveTest : public testing::Test {
 protected:
  void SetUp() override {
    folder_ = std::filesystem::temp_directory_path() / concat("spcnet_wave_", ::getpid());
    std::filesystem::create_directory(folder_);
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  /// @param interleaved  full scale is 1
  std::filesystem::path write(const std::string& name, int format, int sample_rate,
                              const std::vector<float>& interleaved, int channels = 1) const {
    std::filesystem::path path = folder_ / name;
    SF_INFO info{};
    info.samplerate = sample_rate;
    info.channels = channels;
    info.format = format;
    SNDFILE* file = sf_open(path.c_str(), SFM_WRITE, &info);
    SPC_CHECK(file != nullptr, sf_strerror(nullptr));
    // Left alone, libsndfile multiplies by 32767 on the way out and divides by 32768 on the way in.
    std::vector<float> scaled = interleaved;
    if ((format & SF_FORMAT_SUBMASK) == SF_FORMAT_PCM_16) {
      sf_command(file, SFC_SET_NORM_FLOAT, nullptr, SF_FALSE);
      for (float& sample : scaled) sample *= 32768.0F;
    }
    const auto count = static_cast<sf_count_t>(scaled.size());
    const sf_count_t written = sf_write_float(file, scaled.data(), count);
    sf_close(file);
    SPC_CHECK(written == count, "short write");
    return path;
  }
  std::filesystem::path write_text(const std::string& name, const std::string& text) const {
    std::ofstream(folder_ / name, std::ios::binary) << text;
    return folder_ / name;
  }
  static void cut(const std::filesystem::path& path, uintmax_t bytes) {
    std::filesystem::resize_file(path, bytes);
  }
  static void cut_by_third(const std::filesystem::path& path) {
    cut(path, std::filesystem::file_size(path) * 2 / 3);
  }
  static void patch(const std::filesystem::path& path, std::streamoff at,
                    const std::string& bytes) {
    std::fstream(path, std::ios::in | std::ios::out | std::ios::binary).seekp(at) << bytes;
  }

  /// The message, without the path, which it must start with.
  static std::string error_of(const std::filesystem::path& path) {
    try {
      read_wave(path, 16000);
    } catch (const Error& error) {
      const std::string what = error.what(), start = "cannot read " + path.string() + ": ";
      return what.starts_with(start) ? what.substr(start.size()) : what;
    }
    return "no error";
  }

  std::filesystem::path folder_;
};

TEST_F(WaveTest, SixteenBitSamplesAreExact) {
  for (const int format : {kWav16, kFlac16, SF_FORMAT_AIFF | SF_FORMAT_PCM_16}) {
    const std::vector<float> units = {0, 1, -1, 12345, -32768, 32767, 7};
    std::vector<float> scaled = units;
    for (float& sample : scaled) sample /= 32768.0F;
    const Wave wave = read_wave(write("a", format, 16000, scaled), 16000);
    EXPECT_EQ(wave.samples, units) << format;
    EXPECT_EQ(wave.sample_rate, 16000);
    EXPECT_EQ(wave.source_rate, 16000);
    EXPECT_EQ(wave.source_channels, 1);
  }
}

TEST_F(WaveTest, FormatsHoldTheSameSound) {
  const std::vector<float> tone = sine(440, 16000, 1);
  const std::vector<float> wav = read_wave(write("a.wav", kWav16, 16000, tone), 16000).samples;
  EXPECT_EQ(read_wave(write("a.flac", kFlac16, 16000, tone), 16000).samples, wav);
  const std::vector<float> vorbis = read_wave(write("a.ogg", kVorbis, 16000, tone), 16000).samples;
  ASSERT_EQ(vorbis.size(), wav.size());
  EXPECT_NEAR(amplitude_at(vorbis, 440, 16000), 16384, 500);  // a lossy codec
}

TEST_F(WaveTest, FloatFilesHaveTheSameScaleAndDoNotClip) {
  const Wave wave = read_wave(write("a.wav", kWavFloat, 16000, {0.5F, -1.0F, 1.5F}), 16000);
  EXPECT_EQ(wave.samples, (std::vector<float>{16384, -32768, 49152}));
}

TEST_F(WaveTest, ChannelsAreAveraged) {
  const Wave wave =
      read_wave(write("a.wav", kWavFloat, 16000, {0.5F, 0.25F, -0.5F, 0.5F, 0.125F, 0}, 2), 16000);
  EXPECT_EQ(wave.samples, (std::vector<float>{12288, 0, 2048}));
  EXPECT_EQ(wave.source_channels, 2);
}

TEST_F(WaveTest, LevelsAreThoseOfTheFileBeforeItIsResampled) {
  std::vector<float> cut = sine(100, 8000, 1, 1.5);
  double clipped = 0;
  for (float& sample : cut) {
    clipped += std::abs(sample) > 32767 / 32768.0F ? 1 : 0;
    sample = std::clamp(sample, -1.0F, 32767 / 32768.0F);
  }
  const Wave same = read_wave(write("a.wav", kWav16, 8000, cut), 8000);
  const Wave other = read_wave(write("b.wav", kWav16, 8000, cut), 16000);
  for (const Wave& wave : {same, other}) {
    EXPECT_FLOAT_EQ(wave.levels.peak_db, 0);
    EXPECT_FLOAT_EQ(wave.levels.clipped, static_cast<float>(clipped / 8000));
    EXPECT_EQ(wave.levels.rms_db, same.levels.rms_db);
  }
  std::vector<float> halved;  // a silent channel beside it
  for (const float sample : cut) halved.insert(halved.end(), {sample, 0});
  const Levels mean = read_wave(write("c.wav", kWav16, 8000, halved, 2), 16000).levels;
  EXPECT_NEAR(mean.peak_db, -6.0206, 1e-3);
  EXPECT_NEAR(mean.rms_db, same.levels.rms_db - 6.0206, 1e-3);
  EXPECT_EQ(mean.clipped, 0);
}

TEST_F(WaveTest, LongFilesAreReadInManyBlocks) {
  std::vector<float> ramp(size_t{100001} * 3);
  for (size_t i = 0; i < ramp.size(); ++i) ramp[i] = static_cast<float>(i / 3 % 30000) / 32768.0F;
  const Wave wave = read_wave(write("a.wav", kWav16, 16000, ramp, 3), 16000);
  ASSERT_EQ(wave.samples.size(), 100001U);
  for (size_t i = 0; i < wave.samples.size(); ++i)
    ASSERT_NEAR(wave.samples[i], static_cast<float>(i % 30000), 0.01) << i;
}

class WaveResampleTest : public WaveTest, public testing::WithParamInterface<int> {};
TEST_P(WaveResampleTest, KeepsFrequencyAmplitudeAndDuration) {
  const int rate = GetParam();
  const Wave wave = read_wave(write("a.wav", kWavFloat, rate, sine(1000, rate, 1.5)), 16000);
  EXPECT_EQ(wave.sample_rate, 16000);
  EXPECT_EQ(wave.source_rate, rate);
  EXPECT_NEAR(static_cast<double>(wave.samples.size()), 24000, 1);
  EXPECT_NEAR(amplitude_at(wave.samples, 1000, 16000), 16384, 4);
  for (const double other : {500.0, 990.0, 1010.0, 2000.0, 3000.0, 7000.0}) {
    EXPECT_LT(amplitude_at(wave.samples, other, 16000), 4) << other;
  }
  // In phase with a sine that was made at 16 kHz: no delay.
  const std::vector<float> direct = sine(1000, 16000, 1.5, 16384);
  for (size_t i = 1000; i < 23000; ++i) ASSERT_NEAR(wave.samples[i], direct[i], 8) << i;
}
INSTANTIATE_TEST_SUITE_P(Rates, WaveResampleTest, testing::Values(8000, 44100, 48000));

TEST_F(WaveTest, WhatTheNewRateCannotHoldIsRemoved) {
  const Wave wave = read_wave(write("a.wav", kWavFloat, 48000, sine(11000, 48000, 1)), 16000);
  EXPECT_LT(amplitude_at(wave.samples, 5000, 16000), 1);  // where it would be mirrored to
}

TEST_F(WaveTest, MissingFile) {
  EXPECT_EQ(error_of(folder_ / "no.wav"),
            "cannot open " + (folder_ / "no.wav").string() + ": No such file or directory");
}
TEST_F(WaveTest, Folder) {
  EXPECT_EQ(error_of(folder_), "not a file");
}
TEST_F(WaveTest, EmptyFile) {
  EXPECT_EQ(error_of(write_text("a.wav", "")), "the file is empty");
}
TEST_F(WaveTest, NoSamples) {
  EXPECT_EQ(error_of(write("a.wav", kWav16, 16000, {})),
            "it holds no samples, or its header was never finished");
}
TEST_F(WaveTest, HeaderNeverFinished) {
  const auto path = write("a.wav", kWav16, 16000, sine(440, 16000, 1));
  patch(path, 4, std::string(4, '\0'));
  patch(path, 40, std::string(4, '\0'));
  EXPECT_EQ(error_of(path), "it holds no samples, or its header was never finished");
}
TEST_F(WaveTest, TextFile) {
  EXPECT_EQ(error_of(write_text("a.wav", "This is not audio, whatever its name says.\n")),
            "not an audio file that libsndfile can read");
}
TEST_F(WaveTest, AnM4aUnderAnotherNameIsGuessed) {
  EXPECT_EQ(error_of(write_text("a.wav", std::string("\0\0\0\x20"
                                                     "ftypM4A and so on",
                                                     21))),
            "not an audio file that libsndfile can read; it looks like m4a: rename it to end with "
            ".m4a");
}
TEST_F(WaveTest, NotANumber) {
  const float nan = std::numeric_limits<float>::quiet_NaN(),
              infinite = std::numeric_limits<float>::infinity();
  EXPECT_EQ(error_of(write("a.wav", kWavFloat, 16000, {0, 0.5F, nan, 0})),
            "sample 2 is not a finite number");
  EXPECT_EQ(error_of(write("b.wav", kWavFloat, 16000, {infinite, 0})),
            "sample 0 is not a finite number");
}
TEST_F(WaveTest, TruncatedWav) {
  const auto path = write("a.wav", kWav16, 16000, sine(440, 16000, 1));
  cut(path, kWavHeader + 20000);
  EXPECT_EQ(error_of(path),
            "truncated: the header promises 32000 bytes of audio, the file holds 20000");
  cut(path, kWavHeader - 10);
  EXPECT_NE(error_of(path), "no error");
}
TEST_F(WaveTest, TruncatedByOneByte) {
  const auto path = write("a.wav", kWav16, 16000, sine(440, 16000, 1));
  cut(path, kWavHeader + 31999);
  EXPECT_EQ(error_of(path),
            "truncated: the header promises 32000 bytes of audio, the file holds 31999");
}
TEST_F(WaveTest, TruncatedLargeWav) {
  const auto path = write("a.wav", SF_FORMAT_RF64 | SF_FORMAT_PCM_16, 16000, sine(440, 16000, 1));
  EXPECT_EQ(read_wave(path, 16000).samples.size(), 16000U);
  cut_by_third(path);
  EXPECT_THAT(
      error_of(path),
      testing::StartsWith("truncated: the header promises 32000 bytes of audio, the file holds "));
}
TEST_F(WaveTest, TruncatedFlac) {
  const auto path = write("a.flac", kFlac16, 16000, sine(440, 16000, 1));
  cut_by_third(path);
  EXPECT_THAT(
      error_of(path),
      testing::MatchesRegex("truncated: the header promises 16000 frames, [0-9]+ can be read"));
}
TEST_F(WaveTest, TruncatedOgg) {
  const auto path = write("a.ogg", kVorbis, 16000, sine(440, 16000, 3));
  cut_by_third(path);
  EXPECT_EQ(error_of(path), "truncated: the ogg stream has no end mark");
}

TEST_F(WaveTest, StreamedWavIsReadToItsEnd) {
  for (const char* size : {"\xFF\xFF\xFF\xFF", "\0\xF0\xFF\x7F"}) {
    const auto path = write("a.wav", kWav16, 16000, sine(440, 16000, 1));
    patch(path, 4, std::string(size, 4));
    patch(path, 40, std::string(size, 4));
    EXPECT_EQ(read_wave(path, 16000).samples.size(), 16000U) << int{size[0]};
  }
}

TEST_F(WaveTest, ChunksBeforeTheDataAreStepped) {
  const auto path = write("a.wav", kWav16, 16000, {0.5F, -0.5F});
  const std::string whole = read_text(path);
  const std::string odd_chunk("note\x03\0\0\0abc\0", 12);  // odd sizes are padded
  std::string longer = whole.substr(0, 36) + odd_chunk + whole.substr(36);
  longer[4] = static_cast<char>(longer.size() - 8);
  EXPECT_EQ(read_wave(write_text("b.wav", longer), 16000).samples,
            (std::vector<float>{16384, -16384}));
  longer.pop_back();
  EXPECT_EQ(error_of(write_text("c.wav", longer)),
            "truncated: the header promises 4 bytes of audio, the file holds 3");
}

TEST_F(WaveTest, DamagedRate) {
  const auto path = write("a.wav", kWav16, 16000, {0.5F, -0.5F});
  patch(path, 24, std::string("\x07\0\0\0", 4));
  EXPECT_EQ(error_of(path), "damaged audio file: its sample rate is 7 Hz");
}

TEST_F(WaveTest, APipeIsNoFile) {
  const auto path = folder_ / "pipe";
  ASSERT_EQ(::mkfifo(path.c_str(), 0600), 0);
  EXPECT_EQ(error_of(path), "not a file");
}

// libsndfile closing a descriptor that is not its own would hit the files of other threads.
TEST_F(WaveTest, ABadFileHarmsNoFileReadBesideIt) {
  const auto good = write("good.wav", kWav16, 16000, sine(440, 16000, 0.1));
  const auto bad = write_text("bad.wav", "no audio");
  const Wave expected = read_wave(good, 16000);
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&, reads_good = i % 2 == 0] {
      for (int round = 0; round < 2000; ++round) {
        if (reads_good)
          ASSERT_EQ(read_wave(good, 16000).samples, expected.samples);
        else
          ASSERT_EQ(error_of(bad), "not an audio file that libsndfile can read");
      }
    });
  }
  for (auto& thread : threads) thread.join();
}

TEST_F(WaveTest, AStretchIsThePartOfTheFile) {
  for (const int format : {kWav16, kFlac16}) {
    const auto path = write("a", format, 16000, sine(440, 16000, 1));
    const std::vector<float> all = read_wave(path, 16000).samples;
    const std::vector<float> part = read_stretch(path, 5000, 700);
    EXPECT_EQ(part, std::vector<float>(all.begin() + 5000, all.begin() + 5700));
    const WaveInfo info = wave_info(path);
    EXPECT_EQ(info.num_samples, 16000);
    EXPECT_EQ(info.sample_rate, 16000);
    EXPECT_EQ(info.channels, 1);
    EXPECT_THROW(read_stretch(path, 15900, 700), Error);
  }
}

TEST_F(WaveTest, SpeedMovesThePitchAndTheLength) {
  std::vector<float> samples = sine(440, 16000, 2);
  for (float& sample : samples) sample *= 32768;
  for (const double speed : {0.9, 1.1}) {
    const std::vector<float> faster = change_speed(samples, speed);
    EXPECT_NEAR(static_cast<double>(faster.size()), 32000 / speed, 1);
    EXPECT_NEAR(amplitude_at(faster, 440 * speed, 16000), 16384, 50);
    EXPECT_LT(amplitude_at(faster, 440, 16000), 50);
  }
}

}  // namespace
}  // namespace spc
