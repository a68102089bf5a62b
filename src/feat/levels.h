// How loud a recording is, and how much of it is clipped.
#pragma once

#include <span>

namespace spc {

/// What is quieter is told as this, nothing but zeros included.
inline constexpr float kLeastDb = -120;  // dBFS

/// libsndfile's 1.0 in int16 units; a power of two, so 16-bit samples stay exact.
inline constexpr float kFullScale = 32768;

/// 0 dBFS is an amplitude of full scale.
struct Levels {
  float peak_db = kLeastDb;  // dBFS, of the largest magnitude; above 0 where decoding overshoots
  /// dBFS, of the root of the mean square of all samples, pauses included: a square wave of full
  /// scale has 0, a sine -3.01 (as sox's stats; in AES17's convention the sine has 0).
  float rms_db = kLeastDb;
  float clipped = 0;  // share of the samples that are clipped, 0 to 1
};

/// A clipped sample stands in a run of at least three equal samples of at least 0.99 of full scale;
/// those beyond 32767, which decoders of lossy formats give, count as 32767. Three in a row at full
/// scale is the start threshold of Audacity's "Find Clipping"; equal ones a little below it are
/// recordings that were clipped and then turned down by a hair.
/// @param samples  mono, int16 scale. None: the silent Levels{}
/// Thread-safe: no state.
Levels measure_levels(std::span<const float> samples);

}  // namespace spc
