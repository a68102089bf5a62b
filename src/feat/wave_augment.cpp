#include "feat/wave_augment.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <filesystem>
#include <numeric>
#include <utility>

#include "base/error.h"
#include "base/hash.h"
#include "feat/convolve.h"

namespace spc {
namespace {

double energy(std::span<const float> samples) {
  return std::transform_reduce(samples.begin(), samples.end(), 0.0, std::plus<>(),
                               [](double sample) { return sample * sample; });
}

void check_range(const char* name, double low, double high) {
  SPC_USAGE_CHECK(low <= high, "copies.", name, "_snr_low = ", low, " is above copies.", name,
                  "_snr_high = ", high);
}

void check_prob(const char* name, double prob) {
  SPC_USAGE_CHECK(prob >= 0 && prob <= 1, "copies.", name, " = ", prob, ", must be in 0..1");
}

std::string hex(uint64_t value) {
  char text[17];
  std::snprintf(text, sizeof text, "%016llx", static_cast<unsigned long long>(value));
  return text;
}

uint64_t hash_of(const std::vector<std::string>& paths, uint64_t hash) {
  for (const std::string& path : paths) hash = hash64(path.data(), path.size(), hash);
  return hash;
}

std::string file_name(const std::string& path) {
  return std::filesystem::path(path).filename().string();
}

}  // namespace

void CopiesConfig::add_to(OptionSet& options) {
  options.add("copies.num", num, "augmented copies of each utterance; 0: none");
  options.add("copies.reverb_prob", reverb_prob,
              "share of the copies that are reverberated, 0..1; a sound is mixed into the others");
  options.add("copies.both_prob", both_prob,
              "share of the reverberated ones that get a sound too, 0..1");
  options.add("copies.noise_snr_low", noise_snr_low, "lowest signal-to-noise ratio of noise, dB");
  options.add("copies.noise_snr_high", noise_snr_high, "its highest, dB");
  options.add("copies.music_snr_low", music_snr_low, "lowest of music, dB");
  options.add("copies.music_snr_high", music_snr_high, "its highest, dB");
  options.add("copies.speech_snr_low", speech_snr_low, "lowest of voices, dB");
  options.add("copies.speech_snr_high", speech_snr_high, "its highest, dB");
  options.add("copies.speech_min", speech_min, "fewest voices at once");
  options.add("copies.speech_max", speech_max, "most voices at once");
  options.add("copies.seed", seed, "another seed makes other copies");
  options.add_check([this] { validate(); });
}

void CopiesConfig::validate() const {
  SPC_USAGE_CHECK(num >= 0 && num <= 100, "copies.num = ", num, ", must be 0 to 100");
  check_prob("reverb_prob", reverb_prob);
  check_prob("both_prob", both_prob);
  check_range("noise", noise_snr_low, noise_snr_high);
  check_range("music", music_snr_low, music_snr_high);
  check_range("speech", speech_snr_low, speech_snr_high);
  SPC_USAGE_CHECK(speech_min >= 1 && speech_min <= speech_max && speech_max <= 100,
                  "copies.speech_min must be >= 1 and <= copies.speech_max, which must be <= 100");
}

WaveAugmenter::WaveAugmenter(const CopiesConfig& config, const CopySources& sources,
                             int sample_rate)
    : config_(config) {
  const CopiesConfig& c = config;
  SPC_USAGE_CHECK(c.reverb_prob <= 0 || !sources.rirs.empty(),
                  "copies.reverb_prob = ", c.reverb_prob,
                  " needs impulse responses: --rir-scp, or set it to 0");
  const bool mixes = c.reverb_prob < 1 || c.both_prob > 0;
  SPC_USAGE_CHECK(
      !mixes || !(sources.noise.empty() && sources.music.empty() && sources.speech.empty()),
      "copies with sounds mixed in need one of --noise-scp, --music-scp, --speech-scp; "
      "or set copies.reverb_prob to 1 and copies.both_prob to 0");
  add_kind({"noise", c.noise_snr_low, c.noise_snr_high, 1, 1, nullptr}, sources.noise, sample_rate);
  add_kind({"music", c.music_snr_low, c.music_snr_high, 1, 1, nullptr}, sources.music, sample_rate);
  add_kind({"speech", c.speech_snr_low, c.speech_snr_high, c.speech_min, c.speech_max, nullptr},
           sources.speech, sample_rate);
  if (!sources.rirs.empty())
    rirs_ = std::make_unique<SoundLibrary>("impulse responses", sources.rirs, sample_rate);
  uint64_t files = 0;
  for (const auto* paths : {&sources.noise, &sources.music, &sources.speech, &sources.rirs})
    files = hash_of(*paths, files + 1);
  description_ = concat("num=", c.num, " reverb_prob=", to_text(c.reverb_prob),
                        " both_prob=", to_text(c.both_prob));
  for (const Kind& kind : kinds_)
    description_ +=
        concat(" ", kind.name, "_snr=", to_text(kind.snr_low), "..", to_text(kind.snr_high));
  description_ +=
      concat(" voices=", c.speech_min, "..", c.speech_max, " seed=", c.seed, " files=", hex(files));
}

void WaveAugmenter::add_kind(Kind kind, const std::vector<std::string>& paths, int sample_rate) {
  if (paths.empty()) return;
  kind.sounds = std::make_unique<SoundLibrary>(kind.name, paths, sample_rate);
  kinds_.push_back(std::move(kind));
}

Copy WaveAugmenter::make(std::span<const float> samples, const std::string& utt,
                         const std::string& path, int copy) const {
  Random random(static_cast<uint64_t>(config_.seed),
                {hash64(utt.data(), utt.size()), static_cast<uint64_t>(copy)});
  Copy made{{samples.begin(), samples.end()}, ""};
  const bool reverberates = random.uniform() < config_.reverb_prob;
  if (reverberates) {
    const Sound rir = rirs_->draw_whole(random);
    made.samples = reverberate(samples, rir.samples);
    made.recipe = "reverb " + file_name(rir.path);
  }
  if (!reverberates || random.uniform() < config_.both_prob) mix_in(made, path, random);
  return made;
}

void WaveAugmenter::mix_in(Copy& copy, const std::string& path, Random& random) const {
  const Kind& kind = kinds_[random.below(kinds_.size())];
  const auto count = static_cast<int64_t>(copy.samples.size());
  const auto choices = static_cast<uint64_t>(int64_t{kind.most} - kind.least + 1);
  const int sounds = kind.least + static_cast<int>(random.below(choices));
  const double snr_db = random.uniform(kind.snr_low, kind.snr_high);
  std::vector<float> sum(copy.samples.size());
  Sound sound;
  for (int i = 0; i < sounds; ++i) {
    sound = kind.sounds->draw(random, count, path);
    // Each as loud as the others.
    const double level = 1 / std::sqrt(energy(sound.samples) / static_cast<double>(count));
    for (size_t n = 0; n < sum.size(); ++n) sum[n] += static_cast<float>(level) * sound.samples[n];
  }
  mix_waves(copy.samples, sum, snr_db);
  char ratio[32];
  std::snprintf(ratio, sizeof ratio, "%.1f", snr_db);
  if (!copy.recipe.empty()) copy.recipe += " + ";
  copy.recipe += concat(kind.name, " ", ratio, " dB ",
                        sounds == 1 ? file_name(sound.path) : concat(sounds, " voices"));
}

std::vector<float> reverberate(std::span<const float> samples, std::span<const float> rir) {
  const double whole = energy(rir);
  SPC_ASSERT(whole > 0, "an impulse response of zeros");
  const auto peak = std::max_element(rir.begin(), rir.end(),
                                     [](float a, float b) { return std::abs(a) < std::abs(b); });
  const auto scale = static_cast<float>(1 / std::sqrt(whole));
  std::vector<float> scaled(rir.begin(), rir.end());
  for (float& tap : scaled) tap *= scale;
  return convolve(samples, scaled, peak - rir.begin());
}

void mix_waves(std::vector<float>& samples, std::span<const float> noise, double snr_db) {
  SPC_ASSERT(noise.size() == samples.size(), "as many samples of noise as of the signal");
  const double noise_energy = energy(noise);
  SPC_ASSERT(noise_energy > 0, "noise of zeros");
  const auto gain =
      static_cast<float>(std::sqrt(energy(samples) / noise_energy * std::pow(10.0, -snr_db / 10)));
  for (size_t i = 0; i < samples.size(); ++i) samples[i] += gain * noise[i];
}

}  // namespace spc
