#include "feat/fbank.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <numbers>

#include "base/error.h"

namespace spc {
namespace {

constexpr double kMaxFrameMs = 1000;

/// So many at once that what they share is quickly there again, and so few that copies of them stay
/// in the nearest memory.
constexpr size_t kFramesAtOnce = 64;

double mel(double hz) {
  return 1127.0 * std::log(1.0 + hz / 700.0);
}

int whole_samples(int sample_rate, double milliseconds) {
  return static_cast<int>(sample_rate * milliseconds / 1000.0);
}

std::vector<float> make_window(const FbankConfig& config) {
  config.validate();
  std::vector<float> window(static_cast<size_t>(config.frame_length()));
  const auto last = static_cast<double>(window.size() - 1);
  for (size_t i = 0; i < window.size(); ++i) {
    const double cosine = std::cos(2.0 * std::numbers::pi * static_cast<double>(i) / last);
    window[i] = static_cast<float>(config.window == "povey" ? std::pow(0.5 - 0.5 * cosine, 0.85)
                                                            : 0.54 - 0.46 * cosine);
  }
  return window;
}

std::vector<MelBin> make_bins(const FbankConfig& config) {
  const double mel_low = mel(config.low_freq);
  const double mel_step = (mel(config.upper_freq()) - mel_low) / (config.num_mel_bins + 1);
  const double line_hz = static_cast<double>(config.sample_rate) / config.fft_size();
  const int num_lines = config.fft_size() / 2;  // without the one at Nyquist, as Kaldi has it
  std::vector<MelBin> bins(static_cast<size_t>(config.num_mel_bins));
  for (size_t bin = 0; bin < bins.size(); ++bin) {
    auto& [first_line, weights] = bins[bin];
    const double left = mel_low + static_cast<double>(bin) * mel_step;
    const double center = left + mel_step;
    const double right = center + mel_step;
    for (int line = 0; line < num_lines; ++line) {
      const double at = mel(line * line_hz);
      if (at <= left || at >= right) continue;
      if (weights.empty()) first_line = static_cast<size_t>(line);
      weights.push_back(static_cast<float>(at <= center ? (at - left) / (center - left)
                                                        : (right - at) / (right - center)));
    }
    SPC_USAGE_CHECK(!weights.empty(), "fbank.num_mel_bins = ", config.num_mel_bins, ": bin ", bin,
                    " would be narrower than the ", line_hz,
                    " Hz between two lines of the spectrum; take fewer bins or longer frames");
  }
  return bins;
}

}  // namespace

void FbankConfig::add_to(OptionSet& options) {
  options.add("fbank.num_mel_bins", num_mel_bins, "mel bins, >= 3");
  options.add("fbank.sample_rate", sample_rate, "Hz; audio at another rate is resampled to it");
  options.add("fbank.frame_length_ms", frame_length_ms, "milliseconds");
  options.add("fbank.frame_shift_ms", frame_shift_ms,
              "milliseconds from one frame's start to the next one's");
  options.add("fbank.window", window, "povey or hamming");
  options.add("fbank.preemphasis", preemphasis, "coefficient, 0 to 1");
  options.add("fbank.low_freq", low_freq, "Hz, lower edge of the first mel bin");
  options.add("fbank.high_freq", high_freq,
              "Hz, upper edge of the last mel bin; 0: Nyquist; negative: that far below Nyquist");
  options.add("fbank.dither", dither,
              "standard deviation of added noise, in units of a 16-bit sample; 0: none");
  options.add("fbank.snip_edges", snip_edges,
              "true: only frames wholly inside; false: frames mirrored at both ends");
  options.add_check([this] { validate(); });
}

void FbankConfig::validate() const {
  SPC_USAGE_CHECK(num_mel_bins >= 3, "fbank.num_mel_bins = ", num_mel_bins, ", must be >= 3");
  SPC_USAGE_CHECK(sample_rate >= 1000 && sample_rate <= 768000, "fbank.sample_rate = ", sample_rate,
                  " Hz, must be 1000 to 768000");
  SPC_USAGE_CHECK(frame_length_ms > 0 && frame_length_ms <= kMaxFrameMs && frame_length() >= 2,  //
                  "fbank.frame_length_ms = ", frame_length_ms,
                  ", must be at least two samples and at most ", kMaxFrameMs, " ms");
  SPC_USAGE_CHECK(frame_shift_ms > 0 && frame_shift_ms <= kMaxFrameMs && frame_shift() >= 1,  //
                  "fbank.frame_shift_ms = ", frame_shift_ms,
                  ", must be at least one sample and at most ", kMaxFrameMs, " ms");
  SPC_USAGE_CHECK(window == "povey" || window == "hamming", "fbank.window = ", window,
                  ", must be povey or hamming");
  SPC_USAGE_CHECK(preemphasis >= 0 && preemphasis <= 1, "fbank.preemphasis = ", preemphasis,
                  ", must be 0 to 1");
  SPC_USAGE_CHECK(dither >= 0 && std::isfinite(dither), "fbank.dither = ", dither,
                  ", must be >= 0");
  const double nyquist = 0.5 * sample_rate;
  SPC_USAGE_CHECK(low_freq >= 0 && low_freq < nyquist, "fbank.low_freq = ", low_freq,
                  " Hz, must be 0 or more and below ", nyquist);
  SPC_USAGE_CHECK(upper_freq() > low_freq && upper_freq() <= nyquist,
                  "fbank.high_freq = ", high_freq, " means ", upper_freq(),
                  " Hz, must be above fbank.low_freq = ", low_freq, " and at most ", nyquist);
}

std::string FbankConfig::description() const {
  return concat("num_mel_bins=", num_mel_bins, " sample_rate=", sample_rate,
                " frame_length_ms=", to_text(frame_length_ms),
                " frame_shift_ms=", to_text(frame_shift_ms), " window=", window,
                " preemphasis=", to_text(preemphasis), " low_freq=", to_text(low_freq),
                " high_freq=", to_text(high_freq), " dither=", to_text(dither),
                " snip_edges=", snip_edges ? "true" : "false");
}

int FbankConfig::frame_length() const {
  return whole_samples(sample_rate, frame_length_ms);
}
int FbankConfig::frame_shift() const {
  return whole_samples(sample_rate, frame_shift_ms);
}
int FbankConfig::fft_size() const {
  return static_cast<int>(std::bit_ceil(static_cast<unsigned>(frame_length())));
}
double FbankConfig::upper_freq() const {
  return high_freq > 0 ? high_freq : 0.5 * sample_rate + high_freq;
}

Fbank::Fbank(const FbankConfig& config)
    : config_(config),
      tables_{make_window(config), static_cast<float>(config.preemphasis),
              RealFft(static_cast<size_t>(config.fft_size())), make_bins(config)} {}

int64_t Fbank::num_frames(int64_t num_samples) const {
  const int64_t length = config_.frame_length();
  const int64_t shift = config_.frame_shift();
  if (!config_.snip_edges) return (num_samples + shift / 2) / shift;
  return num_samples < length ? 0 : 1 + (num_samples - length) / shift;
}

/// Where the samples of a frame lie: in the wave, or in `room` when they are mirrored at an edge or
/// dithered.
const float* Fbank::frame(std::span<const float> samples, int64_t index, Random* random,
                          std::span<float> room) const {
  const auto length = static_cast<int64_t>(room.size());
  const auto num_samples = static_cast<int64_t>(samples.size());
  const int64_t shift = config_.frame_shift();
  const int64_t start = config_.snip_edges ? index * shift : index * shift + shift / 2 - length / 2;
  const bool inside = start >= 0 && start + length <= num_samples;
  if (inside && config_.dither == 0) return samples.data() + start;
  for (int64_t i = 0; i < length; ++i) {
    int64_t from = start + i;
    while (from < 0 || from >= num_samples)
      from = from < 0 ? -from - 1 : 2 * num_samples - 1 - from;
    room[static_cast<size_t>(i)] = samples[static_cast<size_t>(from)];
  }
  if (config_.dither > 0) {
    for (float& sample : room) sample += static_cast<float>(config_.dither * random->normal());
  }
  return room.data();
}

std::vector<float> Fbank::compute(std::span<const float> samples, Random* random) const {
  SPC_ASSERT(config_.dither == 0 || random != nullptr, "dither needs a source of random numbers");
  const auto rows = static_cast<size_t>(num_frames(static_cast<int64_t>(samples.size())));
  const size_t columns = tables_.bins.size();
  const size_t length = tables_.window.size();
  std::vector<float> features(rows * columns);
  std::vector<float> room(kFramesAtOnce * length);
  std::array<const float*, kFramesAtOnce> frames{};
  for (size_t row = 0; row < rows; row += kFramesAtOnce) {
    const size_t count = std::min(kFramesAtOnce, rows - row);
    for (size_t i = 0; i < count; ++i) {
      frames[i] = frame(samples, static_cast<int64_t>(row + i), random,
                        std::span(room).subspan(i * length, length));
    }
    mel_kernels().log_mel(tables_, frames.data(), static_cast<int64_t>(count),
                          features.data() + row * columns);
  }
  return features;
}

}  // namespace spc
