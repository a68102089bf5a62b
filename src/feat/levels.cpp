#include "feat/levels.h"

#include <algorithm>
#include <cmath>
#include <cstddef>

namespace spc {
namespace {

constexpr float kFullScale = 32768;
constexpr float kLargest = 32767;  // of 16 bits, above zero
constexpr float kNearFullScale = 0.99F * kFullScale;
constexpr size_t kShortestRun = 3;

float decibels(double amplitude) {
  const double level = 20 * std::log10(amplitude / kFullScale);  // of nothing, minus infinity
  return std::max(kLeastDb, static_cast<float>(level));
}

size_t count_clipped(std::span<const float> samples) {
  size_t clipped = 0;
  for (size_t begin = 0; begin < samples.size();) {
    const float value = std::clamp(samples[begin], -kLargest, kLargest);
    size_t end = begin + 1;
    if (std::abs(value) >= kNearFullScale) {
      while (end < samples.size() && std::clamp(samples[end], -kLargest, kLargest) == value) ++end;
      if (end - begin >= kShortestRun) clipped += end - begin;
    }
    begin = end;
  }
  return clipped;
}

}  // namespace

Levels measure_levels(std::span<const float> samples) {
  if (samples.empty()) return {};
  float peak = 0;
  double square = 0;
  for (const float sample : samples) {
    peak = std::max(peak, std::abs(sample));
    square += static_cast<double>(sample) * sample;
  }
  const auto count = static_cast<double>(samples.size());
  return {decibels(peak), decibels(std::sqrt(square / count)),
          static_cast<float>(static_cast<double>(count_clipped(samples)) / count)};
}

}  // namespace spc
