// From an utterance to one training view: a crop, and what is done to it. Works on log-mel
// features, [T, F] row-major, natural logarithm.
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "base/options.h"
#include "base/random.h"

namespace spc {

/// Everything is off by default. Probabilities are per view; at most one of speech, babble and
/// noise is mixed in.
struct AugmentConfig {
  double copy_prob = 0;       // of an augmented copy from the shards in the utterance's place
  double speech_prob = 0;     // another utterance of the corpus
  double speech_snr_low = 5;  // dB
  double speech_snr_high = 20;
  double babble_prob = 0;  // several others at once
  int babble_min = 3;      // utterances
  int babble_max = 7;
  double babble_snr_low = 10;
  double babble_snr_high = 20;
  double noise_prob = 0;  // an utterance of the noise shards
  double noise_snr_low = 0;
  double noise_snr_high = 15;
  double tilt_db =
      0;  // standard deviation of each of three smooth cosines over the bins, added before mixing
  int time_masks = 0;         // SpecAugment, Park et al. 2019
  int time_mask_frames = 10;  // longest
  int freq_masks = 0;
  int freq_mask_bins = 8;  // widest

  void add_to(OptionSet& options);
  void validate() const;
  [[nodiscard]] bool mixes_corpus() const { return speech_prob > 0 || babble_prob > 0; }
};

/// Fills `feats` with [T, F] of some utterance drawn by `random`.
using DrawUtterance = std::function<void(Random& random, std::vector<float>& feats)>;

struct ViewSource {
  const std::vector<float>& feats;  // the utterance, [T, F]
  int64_t num_mel_bins;             // F
  const DrawUtterance& corpus;      // for speech and babble
  const DrawUtterance& noise;       // for noise
};

/// Writes one view of `frames` frames to `view`, [frames, F]: crop (an utterance that is too short
/// is repeated), tilt, mixing in the power domain log(exp x + g exp n) with g from the
/// signal-to-noise ratio of the crop's mean powers, mean subtraction over time, SpecAugment (masked
/// values are the mean: zero). All draws come from `random`.
/// The crop is drawn first, so that equal `random` crops utterances of equal length alike.
void make_view(const ViewSource& source, const AugmentConfig& config, int64_t frames, Random random,
               float* view);

/// `frames` frames from a random place, repeated cyclically when the utterance is too short.
void random_crop(const std::vector<float>& feats, int64_t num_mel_bins, int64_t frames,
                 Random& random, float* crop);

/// x <- log(exp x + g exp n) with g such that mean(exp x) / (g mean(exp n)) is `snr_db`. Both
/// [count] natural-log powers.
void mix_powers(float* x, const std::vector<float>& noise_powers, double snr_db);

/// x <- x minus its mean over time, per bin.
void subtract_mean(float* x, int64_t frames, int64_t num_mel_bins);

}  // namespace spc
