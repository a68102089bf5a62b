// Audio files as mono samples at one rate. Reading: libsndfile, and ffmpeg for m4a. Resampling:
// soxr.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "feat/levels.h"

namespace spc {

struct Wave {
  std::vector<float> samples;  // mono, int16 scale: full scale is 32768, as Kaldi has it
  int sample_rate = 0;         // Hz, of `samples`
  int source_rate = 0;         // Hz, of the file
  int source_channels = 0;     // of the file; averaged into one
  /// Of the file as it was decoded, its channels averaged, before it is resampled. What is clipped
  /// in one of several channels alone is clipped no longer in their mean.
  Levels levels{};
};

/// What a file's header says.
struct WaveInfo {
  int64_t num_samples = 0;  // of each channel; 0 when the header does not say
  int sample_rate = 0;      // Hz
  int channels = 0;
};

/// What becomes of several channels.
enum class Channels { kAverage, kFirst };

/// By which audio files are told apart: with its dot, in lower case, ".wav".
std::string lower_extension(const std::filesystem::path& path);

/// The whole file: wav, flac, ogg, m4a, and whatever else libsndfile reads. Channels are averaged.
/// Another rate than `sample_rate` is resampled (soxr, HQ); the duration stays, to a sample. A wav
/// that was written to a pipe is read to its end.
/// @throws Error  names the file and the reason: missing, empty, not audio, damaged, truncated, a
/// sample that is not finite.
///   Truncation is noticed in wav, flac, ogg, m4a and mp3; of aiff, au and w64 libsndfile reads
///   what is there without a word.
/// Thread-safe: no state.
Wave read_wave(const std::filesystem::path& path, int sample_rate,
               Channels channels = Channels::kAverage);

/// Looks at the header, and whether the file is as long as that says. @throws Error  as read_wave
WaveInfo wave_info(const std::filesystem::path& path);

/// `count` samples from `begin`, at the file's own rate, without reading what is before and behind
/// them (m4a is decoded from its start). Channels are averaged.
/// @throws Error  as read_wave, or the file ends before
std::vector<float> read_stretch(const std::filesystem::path& path, int64_t begin, int64_t count);

/// The samples `speed` times as fast, so N / speed of them: tempo and pitch change together, as
/// with Kaldi's and SoX's `speed`. @param speed  0.5 .. 2
std::vector<float> change_speed(const std::vector<float>& samples, double speed);

}  // namespace spc
