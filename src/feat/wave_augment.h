// Augmented copies of a recording, as X-vector and DINO recipes make them: a room's reverberation,
// or noise, music or voices mixed in.   Legend: N samples
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/options.h"
#include "base/random.h"
#include "feat/sound_library.h"

namespace spc {

/// Defaults: reverberation for one half of the copies, as wespeaker has it; the kinds of sound
/// equally likely; signal-to-noise ratios of sslsv and 3D-Speaker; 3 to 7 voices at once, as the
/// recipes of Kaldi.
struct CopiesConfig {
  int num = 0;  // K, copies of each utterance
  double reverb_prob = 0.5;
  double both_prob = 0;                           // of mixing a sound into a reverberated copy too
  double noise_snr_low = 0, noise_snr_high = 15;  // dB
  double music_snr_low = 5, music_snr_high = 15;  // dB
  double speech_snr_low = 13, speech_snr_high = 20;  // dB
  int speech_min = 3, speech_max = 7;                // voices
  int64_t seed = 0;

  /// Keys `copies.<field>`.
  void add_to(OptionSet& options);
  void validate() const;
};

/// The lists of files; an empty one switches its kind off.
struct CopySources {
  std::vector<std::string> noise, music, speech, rirs;
};

/// One copy and how it was made, e.g. "reverb rirs/Room012-7.wav", "music 12.3 dB fma-0001.wav",
/// "speech 15.1 dB 4 voices"; joined with " + ".
struct Copy {
  std::vector<float> samples;  // [N]
  std::string recipe;
};

class WaveAugmenter {
 public:
  /// @throws UsageError  the configuration asks for what no list gives
  /// @throws Error  a list without any file that can be used
  WaveAugmenter(const CopiesConfig& config, const CopySources& sources, int sample_rate);

  /// Copy `copy` of an utterance: a function of (seed, utt, copy), the samples and the files.
  /// @param samples  [N], int16 scale
  /// @param path  of the utterance's own file, which is not mixed into it
  /// Thread-safe. @throws Error  the files of a list give nothing that sounds, or the utterance is
  /// all that it holds
  [[nodiscard]] Copy make(std::span<const float> samples, const std::string& utt,
                          const std::string& path, int copy) const;

  /// Everything that a copy depends on but the utterance, on one line.
  [[nodiscard]] const std::string& description() const { return description_; }

 private:
  struct Kind {
    std::string name;
    double snr_low, snr_high;
    int least, most;  // recordings at once
    std::unique_ptr<SoundLibrary> sounds;
  };
  void add_kind(Kind kind, const std::vector<std::string>& paths, int sample_rate);
  void mix_in(Copy& copy, const std::string& path, Random& random) const;

  CopiesConfig config_;
  std::vector<Kind> kinds_;
  std::unique_ptr<SoundLibrary> rirs_;
  std::string description_;
};

/// The signal in a room: convolved with the impulse response, which is scaled to an energy of 1 and
/// aligned by its peak, the direct sound, so that nothing moves in time.
/// @param samples  [N];  @param rir  [M], not all zeros
std::vector<float> reverberate(std::span<const float> samples, std::span<const float> rir);

/// samples += g noise, with g such that mean(samples^2) / mean((g noise)^2) is `snr_db`. A silent
/// signal stays as it is. @param noise  as many samples, not all zeros
void mix_waves(std::vector<float>& samples, std::span<const float> noise, double snr_db);

}  // namespace spc
