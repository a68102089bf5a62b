// Audio files as mono samples at one rate. Reading: libsndfile, and ffmpeg for m4a. Resampling:
// soxr.
#pragma once

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
Wave read_wave(const std::filesystem::path& path, int sample_rate);

}  // namespace spc
