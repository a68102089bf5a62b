#include "kernels/half_kernels.h"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <limits>
#include <random>
#include <vector>

#include "unit/half.h"
#include "unit/kernels/processors.h"

namespace spc {
namespace {

// By the definition of the format: sign, exponent with bias 15, fraction of 10 bits.
double value_of(uint16_t half) {
  const int exponent = half >> 10 & 0x1F;
  const int fraction = half & 0x3FF;
  const double sign = (half & 0x8000) != 0 ? -1 : 1;
  if (exponent == 31) return fraction != 0 ? std::nan("") : sign * INFINITY;
  if (exponent == 0) return sign * std::ldexp(fraction, -24);
  return sign * std::ldexp(1024 + fraction, exponent - 25);
}

std::vector<uint16_t> all_halves() {
  std::vector<uint16_t> halves(65536);
  for (size_t i = 0; i < halves.size(); ++i) halves[i] = static_cast<uint16_t>(i);
  return halves;
}

bool same(float actual, double expected) {
  if (std::isnan(expected)) return std::isnan(actual);
  return double{actual} == expected && std::signbit(actual) == std::signbit(expected);
}

TEST(HalfKernels, EveryHalfBecomesTheFloatOfItsDefinition) {
  const std::vector<uint16_t> halves = all_halves();
  on_every_processor([&] {
    std::vector<float> floats(halves.size());
    EXPECT_FALSE(half_kernels().widen(halves.data(), 65536, floats.data()));
    for (const uint16_t half : halves)
      ASSERT_TRUE(same(floats[half], value_of(half))) << half << " became " << floats[half];
  });
}

TEST(HalfKernels, EveryHalfSurvivesTheRoundTrip) {
  const std::vector<uint16_t> halves = all_halves();
  on_every_processor([&] {
    std::vector<float> floats(halves.size());
    std::vector<uint16_t> back(halves.size());
    half_kernels().widen(halves.data(), 65536, floats.data());
    EXPECT_FALSE(half_kernels().narrow(floats.data(), 65536, back.data()));
    for (const uint16_t half : halves) {
      if (std::isnan(value_of(half))) {
        ASSERT_TRUE(std::isnan(value_of(back[half]))) << half;
      } else {
        ASSERT_EQ(back[half], half);
      }
    }
  });
}

// Between two halves, of either sign: the middle goes to the even one, a hair beside it to the
// nearer.
TEST(HalfKernels, RoundsToNearestWithTiesToEvenBetweenAllNeighbours) {
  std::vector<float> floats;
  std::vector<uint16_t> expected;
  floats.reserve(size_t{6} * 0x7BFF);
  expected.reserve(floats.capacity());
  for (uint32_t bits = 0; bits < 0x7BFF; ++bits) {
    const auto low = static_cast<float>(value_of(static_cast<uint16_t>(bits)));
    const auto high = static_cast<float>(value_of(static_cast<uint16_t>(bits + 1)));
    const float middle = low + (high - low) / 2;
    for (const uint32_t sign : {0U, 0x8000U}) {
      const float factor = sign == 0 ? 1.0F : -1.0F;
      floats.push_back(factor * middle);
      expected.push_back(static_cast<uint16_t>(sign + bits + (bits & 1)));
      floats.push_back(factor * std::nextafter(middle, low));
      expected.push_back(static_cast<uint16_t>(sign + bits));
      floats.push_back(factor * std::nextafter(middle, high));
      expected.push_back(static_cast<uint16_t>(sign + bits + 1));
    }
  }
  on_every_processor([&] {
    std::vector<uint16_t> halves(floats.size());
    EXPECT_TRUE(
        half_kernels().narrow(floats.data(), static_cast<int64_t>(floats.size()), halves.data()));
    EXPECT_EQ(halves, expected);
  });
}

TEST(HalfKernels, RoundFloatsOfAllSizes) {
  std::mt19937 random(3);
  std::vector<float> floats;
  floats.reserve(100'000);
  while (floats.size() < floats.capacity()) {
    const auto any = std::bit_cast<float>(static_cast<uint32_t>(random()));
    if (std::abs(any) < 65520.0F && any != 0) floats.push_back(any);
  }
  on_every_processor([&] {
    std::vector<uint16_t> halves(floats.size());
    EXPECT_TRUE(
        half_kernels().narrow(floats.data(), static_cast<int64_t>(floats.size()), halves.data()));
    for (size_t i = 0; i < floats.size(); ++i)
      ASSERT_TRUE(same(rounded_to_half(floats[i]), value_of(halves[i]))) << floats[i];
  });
}

TEST(HalfKernels, WhatIsTooLargeBecomesInfinityAndNanStaysNan) {
  const float largest = std::numeric_limits<float>::max();
  const float nan = std::numeric_limits<float>::quiet_NaN();
  const auto payload_below = std::bit_cast<float>(0x7F800001U);  // in bits that a half lacks
  const std::vector<float> floats = {65504.0F,     std::nextafter(65520.0F, 0.0F),
                                     65520.0F,     -65520.0F,
                                     largest,      INFINITY,
                                     -INFINITY,    nan,
                                     payload_below};
  on_every_processor([&] {
    std::vector<uint16_t> halves(floats.size());
    EXPECT_FALSE(
        half_kernels().narrow(floats.data(), static_cast<int64_t>(floats.size()), halves.data()));
    const std::vector<uint16_t> expected = {0x7BFF, 0x7BFF, 0x7C00, 0xFC00, 0x7C00, 0x7C00, 0xFC00};
    EXPECT_EQ(std::vector<uint16_t>(halves.begin(), halves.begin() + 7), expected);
    EXPECT_TRUE(std::isnan(value_of(halves[7])));
    EXPECT_TRUE(std::isnan(value_of(halves[8])));
  });
}

// At any place of any count: in a whole vector, in the halves of one behind it.
TEST(HalfKernels, ASingleNumberThatIsNotFiniteIsSeen) {
  on_every_processor([&] {
    for (size_t count = 1; count <= 75; ++count) {
      for (size_t place = 0; place < count; ++place) {
        std::vector<uint16_t> halves(count, 0x3C00);
        std::vector<float> floats(count + 1, -7.0F);
        const auto size = static_cast<int64_t>(count);
        EXPECT_TRUE(half_kernels().widen(halves.data(), size, floats.data()));
        EXPECT_EQ(floats[place], 1.0F);
        EXPECT_EQ(floats[count], -7.0F);  // what is behind stays
        EXPECT_TRUE(half_kernels().narrow(floats.data(), size, halves.data()));
        floats[place] = place % 2 == 0 ? 1e6F : -1e6F;
        EXPECT_FALSE(half_kernels().narrow(floats.data(), size, halves.data()));
        EXPECT_FALSE(half_kernels().widen(halves.data(), size, floats.data()));
        EXPECT_TRUE(std::isinf(floats[place]));
      }
    }
  });
}

}  // namespace
}  // namespace spc
