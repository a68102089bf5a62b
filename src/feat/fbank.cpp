#include "feat/fbank.h"

#include <kiss_fftr.h>

#include <algorithm>
#include <bit>
#include <cfloat>
#include <cmath>
#include <cstdlib>
#include <functional>
#include <memory>
#include <new>
#include <numbers>
#include <numeric>

#include "base/error.h"

namespace spc {
namespace {

constexpr double kMaxFrameMs = 1000;

struct PlanFree {
  void operator()(kiss_fftr_cfg plan) const { kiss_fftr_free(plan); }
};
using Plan = std::unique_ptr<kiss_fftr_state, PlanFree>;

/// A plan holds the transform's scratch memory, so threads must not share one. Making one costs as
/// much as three frames.
Plan make_plan(int fft_size) {
  Plan plan(kiss_fftr_alloc(fft_size, 0, nullptr, nullptr));
  if (!plan) throw std::bad_alloc();
  return plan;
}

double mel(double hz) {
  return 1127.0 * std::log(1.0 + hz / 700.0);
}

int whole_samples(int sample_rate, double milliseconds) {
  return static_cast<int>(sample_rate * milliseconds / 1000.0);
}

std::vector<float> make_window(const std::string& name, int length) {
  std::vector<float> window(static_cast<size_t>(length));
  for (size_t i = 0; i < window.size(); ++i) {
    const double cosine = std::cos(2.0 * std::numbers::pi * static_cast<double>(i) / (length - 1));
    window[i] = static_cast<float>(name == "povey" ? std::pow(0.5 - 0.5 * cosine, 0.85)
                                                   : 0.54 - 0.46 * cosine);
  }
  return window;
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

Fbank::Fbank(const FbankConfig& config) : config_(config) {
  config_.validate();
  window_ = make_window(config_.window, config_.frame_length());
  const double mel_low = mel(config_.low_freq);
  const double mel_step = (mel(config_.upper_freq()) - mel_low) / (config_.num_mel_bins + 1);
  const double line_hz = static_cast<double>(config_.sample_rate) / config_.fft_size();
  const int num_lines = config_.fft_size() / 2;  // without the one at Nyquist, as Kaldi has it
  for (int bin = 0; bin < config_.num_mel_bins; ++bin) {
    const double left = mel_low + bin * mel_step;
    const double center = left + mel_step;
    const double right = center + mel_step;
    MelBin triangle{0, {}};
    for (int line = 0; line < num_lines; ++line) {
      const double at = mel(line * line_hz);
      if (at <= left || at >= right) continue;
      if (triangle.weights.empty()) triangle.first_line = static_cast<size_t>(line);
      triangle.weights.push_back(static_cast<float>(
          at <= center ? (at - left) / (center - left) : (right - at) / (right - center)));
    }
    SPC_USAGE_CHECK(!triangle.weights.empty(), "fbank.num_mel_bins = ", config_.num_mel_bins,
                    ": bin ", bin, " would be narrower than the ", line_hz,
                    " Hz between two lines of the spectrum; take fewer bins or longer frames");
    mel_bins_.push_back(std::move(triangle));
  }
}

int64_t Fbank::num_frames(int64_t num_samples) const {
  const int64_t length = config_.frame_length();
  const int64_t shift = config_.frame_shift();
  if (!config_.snip_edges) return (num_samples + shift / 2) / shift;
  return num_samples < length ? 0 : 1 + (num_samples - length) / shift;
}

void Fbank::cut_frame(std::span<const float> samples, int64_t index, std::span<float> frame) const {
  const auto length = static_cast<int64_t>(frame.size());
  const auto num_samples = static_cast<int64_t>(samples.size());
  const int64_t shift = config_.frame_shift();
  const int64_t start = config_.snip_edges ? index * shift : index * shift + shift / 2 - length / 2;
  if (start >= 0 && start + length <= num_samples) {
    std::copy_n(samples.begin() + start, length, frame.begin());
    return;
  }
  for (int64_t i = 0; i < length; ++i) {
    int64_t from = start + i;
    while (from < 0 || from >= num_samples)
      from = from < 0 ? -from - 1 : 2 * num_samples - 1 - from;
    frame[static_cast<size_t>(i)] = samples[static_cast<size_t>(from)];
  }
}

/// Kaldi's order: dither, mean to zero, preemphasis, window.
void Fbank::condition_frame(std::span<float> frame, Random* random) const {
  if (config_.dither > 0) {
    for (float& sample : frame) sample += static_cast<float>(config_.dither * random->normal());
  }
  const float mean = std::reduce(frame.begin(), frame.end()) / static_cast<float>(frame.size());
  for (float& sample : frame) sample -= mean;
  const auto preemphasis = static_cast<float>(config_.preemphasis);
  for (size_t i = frame.size() - 1; i > 0; --i)
    frame[i] = (frame[i] - preemphasis * frame[i - 1]) * window_[i];
  frame[0] = (frame[0] - preemphasis * frame[0]) * window_[0];
}

void Fbank::mel_energies(std::span<const float> power, std::span<float> energies) const {
  for (size_t bin = 0; bin < mel_bins_.size(); ++bin) {
    const auto& [first_line, weights] = mel_bins_[bin];
    const float energy = std::transform_reduce(
        weights.begin(), weights.end(), power.begin() + static_cast<ptrdiff_t>(first_line), 0.0F);
    energies[bin] = std::log(std::max(energy, FLT_EPSILON));
  }
}

std::vector<float> Fbank::compute(std::span<const float> samples, Random* random) const {
  SPC_ASSERT(config_.dither == 0 || random != nullptr, "dither needs a source of random numbers");
  const auto rows = static_cast<size_t>(num_frames(static_cast<int64_t>(samples.size())));
  const size_t columns = mel_bins_.size();
  std::vector<float> features(rows * columns);
  const auto fft_size = static_cast<size_t>(config_.fft_size());
  const Plan plan = make_plan(config_.fft_size());
  std::vector<float> padded(fft_size);  // the frame, then zeros that nobody touches
  std::vector<kiss_fft_cpx> spectrum(fft_size / 2 + 1);
  std::vector<float> power(fft_size / 2);
  const std::span<float> frame = std::span(padded).first(window_.size());
  for (size_t row = 0; row < rows; ++row) {
    cut_frame(samples, static_cast<int64_t>(row), frame);
    condition_frame(frame, random);
    kiss_fftr(plan.get(), padded.data(), spectrum.data());
    for (size_t line = 0; line < power.size(); ++line) {
      power[line] = spectrum[line].r * spectrum[line].r + spectrum[line].i * spectrum[line].i;
    }
    mel_energies(power, std::span(features).subspan(row * columns, columns));
  }
  return features;
}

}  // namespace spc
