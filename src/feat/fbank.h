// Log mel filterbank energies, the input of every model here. Agrees with Kaldi's
// compute-fbank-feats (feat/feature-fbank.cc, feat/feature-window.cc, feat/mel-computations.cc)
// without its energy column; see tests/reference/fbank.py. Legend: N samples, T frames, F mel bins
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "base/options.h"
#include "base/random.h"
#include "kernels/mel_kernels.h"

namespace spc {

/// The fields, defaults and meaning of Kaldi's options, in Kaldi's words; only the number of bins
/// and the dither have other defaults.
struct FbankConfig {
  int num_mel_bins = 64;
  int sample_rate = 16000;       // Hz
  double frame_length_ms = 25;   // milliseconds; a fraction of a sample is dropped
  double frame_shift_ms = 10;    // milliseconds, likewise
  std::string window = "povey";  // povey (a Hann window to the power 0.85) or hamming
  double preemphasis = 0.97;     // 0 to 1
  double low_freq = 20;          // Hz, lower edge of the first mel bin
  double high_freq = 0;          // Hz, upper edge of the last; 0: Nyquist; negative: below Nyquist
  double dither = 0;             // standard deviation of the noise added to each frame, int16 units
  bool snip_edges = true;  // true: only frames that lie wholly inside; false: N / shift frames,
                           // mirrored at the edges

  /// Keys `fbank.<field>`; the checks run at the end of parsing.
  void add_to(OptionSet& options);
  /// @throws UsageError  names the key and what it must be
  void validate() const;
  /// All fields on one line, "num_mel_bins=64 sample_rate=16000 ..."; equal lines make equal
  /// features.
  [[nodiscard]] std::string description() const;

  [[nodiscard]] int frame_length() const;   // samples
  [[nodiscard]] int frame_shift() const;    // samples
  [[nodiscard]] int fft_size() const;       // samples: frame_length() rounded up to a power of two
  [[nodiscard]] double upper_freq() const;  // Hz: high_freq made absolute
};

class Fbank {
 public:
  /// @throws UsageError  the configuration is not valid, or a mel bin would be narrower than the
  /// spectrum's resolution
  explicit Fbank(const FbankConfig& config);

  /// T for N samples; 0 when there are too few for a frame.
  [[nodiscard]] int64_t num_frames(int64_t num_samples) const;

  /// The log energies [T, F], row by row: natural logarithm, not below log(FLT_EPSILON) = -15.94.
  /// @param samples  N samples in int16 scale at config().sample_rate
  /// @param random   the source of the dither; needed when config().dither > 0, untouched otherwise
  /// Thread-safe: no state changes; `random` belongs to the caller.
  [[nodiscard]] std::vector<float> compute(std::span<const float> samples,
                                           Random* random = nullptr) const;

  [[nodiscard]] const FbankConfig& config() const { return config_; }

 private:
  [[nodiscard]] const float* frame(std::span<const float> samples, int64_t index, Random* random,
                                   std::span<float> room) const;

  FbankConfig config_;
  MelTables tables_;
};

}  // namespace spc
