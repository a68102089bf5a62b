#include "kernels/real_fft.h"

#include <bit>
#include <cmath>
#include <numbers>

namespace spc {
namespace {

void add_turn(std::vector<float>& turns, size_t part, size_t whole) {
  const double angle =
      2 * std::numbers::pi * static_cast<double>(part) / static_cast<double>(whole);
  turns.push_back(static_cast<float>(std::cos(angle)));
  turns.push_back(static_cast<float>(-std::sin(angle)));
}

/// The last step joins four transforms, of every fourth number each; so does the one before it with
/// those. What is left are pairs.
size_t place_of(size_t number, size_t count) {
  size_t place = 0;
  for (; count >= 4; count /= 4, number /= 4) place += number % 4 * (count / 4);
  return place + number;
}

}  // namespace

RealFft::RealFft(size_t fft_size)
    : size(fft_size), by_two(std::countr_zero(fft_size / 2) % 2 == 1) {
  const size_t half = size / 2;
  places.reserve(half);
  for (size_t i = 0; i < half; ++i) places.push_back(place_of(i, half));
  turns.reserve(2 * half);
  for (size_t n = by_two ? 8 : 16; n <= half; n *= 4) {
    for (size_t j = 0; j < n / 4; ++j)
      for (size_t m = 1; m < 4; ++m) add_turn(turns, m * j, n);
  }
  splits.reserve(half);
  for (size_t line = 0; line < size / 4; ++line) add_turn(splits, line, size);
}

}  // namespace spc
