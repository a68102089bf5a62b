#include "loader/augment.h"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "base/error.h"

namespace spc {
namespace {

void add_range(OptionSet& options, const std::string& name, double& prob, double& low, double& high,
               const std::string& what) {
  options.add("augment." + name + "_prob", prob,
              "probability per view of mixing in " + what + ", 0..1");
  options.add("augment." + name + "_snr_low", low, "its lowest signal-to-noise ratio, dB");
  options.add("augment." + name + "_snr_high", high, "its highest, dB");
}

void check_range(const std::string& name, double prob, double low, double high) {
  SPC_USAGE_CHECK(prob >= 0 && prob <= 1, "augment.", name, "_prob = ", prob, ", must be in 0..1");
  SPC_USAGE_CHECK(low <= high, "augment.", name, "_snr_low = ", low, " is above augment.", name,
                  "_snr_high = ", high);
}

// A channel differs from another by a smooth curve over frequency.
void add_tilt(float* x, int64_t frames, int64_t num_mel_bins, double tilt_db, Random& random) {
  constexpr int kCosines = 3;
  const double to_log_power = std::numbers::ln10 / 10;
  std::vector<float> curve(static_cast<size_t>(num_mel_bins));
  for (int k = 1; k <= kCosines; ++k) {
    const double height = random.normal() * tilt_db * to_log_power;
    for (int64_t f = 0; f < num_mel_bins; ++f) {
      curve[static_cast<size_t>(f)] += static_cast<float>(
          height * std::cos(std::numbers::pi * k * (static_cast<double>(f) + 0.5) /
                            static_cast<double>(num_mel_bins)));
    }
  }
  for (int64_t t = 0; t < frames; ++t) {
    for (int64_t f = 0; f < num_mel_bins; ++f)
      x[t * num_mel_bins + f] += curve[static_cast<size_t>(f)];
  }
}

void mask(float* x, int64_t frames, int64_t num_mel_bins, const AugmentConfig& config,
          Random& random) {
  for (int i = 0; i < config.time_masks; ++i) {
    const int64_t width = static_cast<int64_t>(random.below(
        static_cast<uint64_t>(std::min<int64_t>(config.time_mask_frames, frames)) + 1));
    const int64_t begin =
        static_cast<int64_t>(random.below(static_cast<uint64_t>(frames - width) + 1));
    std::fill_n(x + begin * num_mel_bins, width * num_mel_bins, 0.0f);
  }
  for (int i = 0; i < config.freq_masks; ++i) {
    const int64_t width = static_cast<int64_t>(random.below(
        static_cast<uint64_t>(std::min<int64_t>(config.freq_mask_bins, num_mel_bins)) + 1));
    const int64_t begin =
        static_cast<int64_t>(random.below(static_cast<uint64_t>(num_mel_bins - width) + 1));
    for (int64_t t = 0; t < frames; ++t) std::fill_n(x + t * num_mel_bins + begin, width, 0.0f);
  }
}

// Adds exp of a random crop of one drawn utterance to `powers`.
void add_crop_powers(const DrawUtterance& draw, int64_t frames, int64_t num_mel_bins,
                     Random& random, std::vector<float>& powers) {
  thread_local std::vector<float> feats;
  thread_local std::vector<float> crop;
  draw(random, feats);
  crop.resize(powers.size());
  random_crop(feats, num_mel_bins, frames, random, crop.data());
  for (size_t i = 0; i < powers.size(); ++i) powers[i] += std::exp(crop[i]);
}

void mix(const ViewSource& source, const AugmentConfig& config, int64_t frames, Random& random,
         float* view) {
  const double choice = random.uniform();
  std::vector<float> powers;
  const auto others = [&](const DrawUtterance& draw, int count, double snr_low, double snr_high) {
    powers.assign(static_cast<size_t>(frames * source.num_mel_bins), 0.0f);
    for (int i = 0; i < count; ++i)
      add_crop_powers(draw, frames, source.num_mel_bins, random, powers);
    mix_powers(view, powers, random.uniform(snr_low, snr_high));
  };
  if (choice < config.speech_prob) {
    others(source.corpus, 1, config.speech_snr_low, config.speech_snr_high);
  } else if (choice < config.speech_prob + config.babble_prob) {
    const int64_t choices = int64_t{config.babble_max} - config.babble_min + 1;
    const int count =
        config.babble_min + static_cast<int>(random.below(static_cast<uint64_t>(choices)));
    others(source.corpus, count, config.babble_snr_low, config.babble_snr_high);
  } else if (choice < config.speech_prob + config.babble_prob + config.noise_prob) {
    others(source.noise, 1, config.noise_snr_low, config.noise_snr_high);
  }
}

}  // namespace

void AugmentConfig::add_to(OptionSet& options) {
  options.add("augment.copy_prob", copy_prob,
              "probability per view of one of the utterance's augmented copies in its place "
              "(`spcnet-data fbank --copies.num`), 0..1");
  add_range(options, "speech", speech_prob, speech_snr_low, speech_snr_high,
            "another utterance of the corpus");
  add_range(options, "babble", babble_prob, babble_snr_low, babble_snr_high,
            "several other utterances");
  options.add("augment.babble_min", babble_min, "fewest utterances of a babble");
  options.add("augment.babble_max", babble_max, "most utterances of a babble");
  add_range(options, "noise", noise_prob, noise_snr_low, noise_snr_high,
            "an utterance of the --noise-shards");
  options.add(
      "augment.tilt_db", tilt_db,
      "standard deviation of random smooth curves over frequency, applied before mixing, dB");
  options.add("augment.time_masks", time_masks, "SpecAugment: masked stretches of time per view");
  options.add("augment.time_mask_frames", time_mask_frames, "SpecAugment: longest, frames");
  options.add("augment.freq_masks", freq_masks, "SpecAugment: masked bands per view");
  options.add("augment.freq_mask_bins", freq_mask_bins, "SpecAugment: widest, mel bins");
  options.add_check([this] { validate(); });
}

void AugmentConfig::validate() const {
  SPC_USAGE_CHECK(copy_prob >= 0 && copy_prob <= 1, "augment.copy_prob = ", copy_prob,
                  ", must be in 0..1");
  check_range("speech", speech_prob, speech_snr_low, speech_snr_high);
  check_range("babble", babble_prob, babble_snr_low, babble_snr_high);
  check_range("noise", noise_prob, noise_snr_low, noise_snr_high);
  SPC_USAGE_CHECK(
      speech_prob + babble_prob + noise_prob <= 1 + 1e-9,
      "augment.speech_prob, babble_prob and noise_prob exclude each other: their sum must be <= 1");
  SPC_USAGE_CHECK(babble_min >= 1 && babble_min <= babble_max,
                  "augment.babble_min must be >= 1 and <= augment.babble_max");
  SPC_USAGE_CHECK(tilt_db >= 0 && time_masks >= 0 && time_mask_frames >= 0 && freq_masks >= 0 &&
                      freq_mask_bins >= 0,
                  "augment.tilt_db and the mask keys must be >= 0");
}

void random_crop(const std::vector<float>& feats, int64_t num_mel_bins, int64_t frames,
                 Random& random, float* crop) {
  const int64_t total = static_cast<int64_t>(feats.size()) / num_mel_bins;
  // A long utterance has total - frames + 1 places; a short one may begin anywhere and goes round.
  const int64_t places = total >= frames ? total - frames + 1 : total;
  int64_t from = static_cast<int64_t>(random.below(static_cast<uint64_t>(places)));
  for (int64_t done = 0; done < frames;) {
    const int64_t count = std::min(frames - done, total - from);
    std::copy_n(feats.data() + from * num_mel_bins, count * num_mel_bins,
                crop + done * num_mel_bins);
    done += count;
    from = 0;
  }
}

void mix_powers(float* x, const std::vector<float>& noise_powers, double snr_db) {
  thread_local std::vector<float> powers;
  powers.resize(noise_powers.size());
  double signal = 0;
  double noise = 0;
  for (size_t i = 0; i < powers.size(); ++i) {
    powers[i] = std::exp(x[i]);
    signal += static_cast<double>(powers[i]);
    noise += static_cast<double>(noise_powers[i]);
  }
  const auto gain =
      static_cast<float>(signal / std::max(noise, 1e-30) * std::pow(10.0, -snr_db / 10));
  for (size_t i = 0; i < powers.size(); ++i) x[i] = std::log(powers[i] + gain * noise_powers[i]);
}

void subtract_mean(float* x, int64_t frames, int64_t num_mel_bins) {
  std::vector<double> mean(static_cast<size_t>(num_mel_bins));
  for (int64_t t = 0; t < frames; ++t) {
    for (int64_t f = 0; f < num_mel_bins; ++f)
      mean[static_cast<size_t>(f)] += static_cast<double>(x[t * num_mel_bins + f]);
  }
  for (double& m : mean) m /= static_cast<double>(frames);
  for (int64_t t = 0; t < frames; ++t) {
    for (int64_t f = 0; f < num_mel_bins; ++f)
      x[t * num_mel_bins + f] -= static_cast<float>(mean[static_cast<size_t>(f)]);
  }
}

void make_view(const ViewSource& source, const AugmentConfig& config, int64_t frames, Random random,
               float* view) {
  random_crop(source.feats, source.num_mel_bins, frames, random, view);
  if (config.tilt_db > 0) add_tilt(view, frames, source.num_mel_bins, config.tilt_db, random);
  mix(source, config, frames, random, view);
  subtract_mean(view, frames, source.num_mel_bins);
  mask(view, frames, source.num_mel_bins, config, random);
}

}  // namespace spc
