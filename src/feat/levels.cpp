#include "feat/levels.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <numeric>

namespace spc {
namespace {

constexpr float kLargest = 32767;  // of 16 bits, above zero
constexpr float kNearFullScale = 0.99F * kFullScale;
constexpr size_t kShortestRun = 3;

float decibels(double amplitude) {
  const double level = 20 * std::log10(amplitude / kFullScale);  // of nothing, minus infinity
  return std::max(kLeastDb, static_cast<float>(level));
}

struct Sums {
  float peak = 0;
  double square = 0;
};

/// In lanes that do not wait for each other, which is three times as fast as one after another.
Sums sums_of(std::span<const float> samples) {
  constexpr size_t kLanes = 8;
  std::array<float, kLanes> peaks{};
  std::array<double, kLanes> squares{};
  const auto add = [&](size_t lane, float sample) {
    peaks[lane] = std::max(peaks[lane], std::abs(sample));
    squares[lane] += static_cast<double>(sample) * sample;
  };
  size_t i = 0;
  for (; i + kLanes <= samples.size(); i += kLanes)
    for (size_t lane = 0; lane < kLanes; ++lane) add(lane, samples[i + lane]);
  for (; i < samples.size(); ++i) add(i % kLanes, samples[i]);
  return {*std::max_element(peaks.begin(), peaks.end()),
          std::accumulate(squares.begin(), squares.end(), 0.0)};
}

size_t count_clipped(std::span<const float> samples) {
  size_t clipped = 0;
  for (size_t begin = 0; begin < samples.size();) {
    if (std::abs(samples[begin]) < kNearFullScale) {
      ++begin;
      continue;
    }
    const float value = std::clamp(samples[begin], -kLargest, kLargest);
    size_t end = begin + 1;
    while (end < samples.size() && std::clamp(samples[end], -kLargest, kLargest) == value) ++end;
    if (end - begin >= kShortestRun) clipped += end - begin;
    begin = end;
  }
  return clipped;
}

}  // namespace

Levels measure_levels(std::span<const float> samples) {
  if (samples.empty()) return {};
  const auto [peak, square] = sums_of(samples);
  const auto count = static_cast<double>(samples.size());
  return {decibels(peak), decibels(std::sqrt(square / count)),
          peak < kNearFullScale
              ? 0
              : static_cast<float>(static_cast<double>(count_clipped(samples)) / count)};
}

}  // namespace spc
