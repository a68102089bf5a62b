#include "base/half.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "base/random.h"

namespace spc {
namespace {

bool is_nan(uint16_t half) {
  return (half & 0x7C00u) == 0x7C00u && (half & 0x3FFu) != 0;
}

// By the definition of the format: sign, exponent with bias 15, fraction of 10 bits.
double slow_half_to_double(uint16_t half) {
  const int exponent = half >> 10 & 0x1F;
  const int fraction = half & 0x3FF;
  const double sign = (half & 0x8000) != 0 ? -1 : 1;
  if (exponent == 31) return fraction != 0 ? std::nan("") : sign * INFINITY;
  if (exponent == 0) return sign * std::ldexp(fraction, -24);
  return sign * std::ldexp(1024 + fraction, exponent - 25);
}

// Counts in units of the last place, rounds to the nearest even count.
uint16_t slow_float_to_half(float value) {
  const auto sign = static_cast<uint16_t>(std::signbit(value) ? 0x8000u : 0u);
  if (std::isnan(value)) return static_cast<uint16_t>(sign | 0x7E00u);
  if (std::isinf(value)) return static_cast<uint16_t>(sign | 0x7C00u);
  const double magnitude = std::abs(static_cast<double>(value));
  const int exponent = magnitude == 0 ? -14 : std::max(-14, std::ilogb(magnitude));
  const double count =
      std::nearbyint(std::ldexp(magnitude, 10 - exponent));  // the default rounding is to even
  const int bits = ((exponent + 14) << 10) +
                   static_cast<int>(count);  // a carry walks into the exponent by itself
  return static_cast<uint16_t>(sign | (bits >= 0x7C00 ? 0x7C00 : bits));
}

TEST(Half, EveryHalfBecomesTheFloatOfItsDefinition) {
  for (uint32_t bits = 0; bits < 65536; ++bits) {
    const auto half = static_cast<uint16_t>(bits);
    const float value = half_to_float(half);
    if (is_nan(half)) {
      ASSERT_TRUE(std::isnan(value)) << bits;
    } else {
      ASSERT_EQ(static_cast<double>(value), slow_half_to_double(half)) << bits;
      ASSERT_EQ(std::signbit(value), bits >= 0x8000) << bits;
    }
  }
}

TEST(Half, EveryHalfSurvivesTheRoundTrip) {
  for (uint32_t bits = 0; bits < 65536; ++bits) {
    const auto half = static_cast<uint16_t>(bits);
    const uint16_t back = float_to_half(half_to_float(half));
    if (is_nan(half)) {
      ASSERT_TRUE(is_nan(back)) << bits;
    } else {
      ASSERT_EQ(back, half);
    }
    ASSERT_EQ(half_is_special(half), !std::isfinite(slow_half_to_double(half))) << bits;
  }
}

TEST(Half, RoundsToNearestWithTiesToEvenBetweenAllNeighbours) {
  for (uint32_t bits = 0; bits < 0x7BFF; ++bits) {
    const float low = half_to_float(static_cast<uint16_t>(bits));
    const float high = half_to_float(static_cast<uint16_t>(bits + 1));
    const float middle = low + (high - low) / 2;  // exact: a half has 13 bits fewer than a float
    ASSERT_EQ(float_to_half(middle), bits + (bits & 1)) << bits;
    ASSERT_EQ(float_to_half(std::nextafter(middle, low)), bits);
    ASSERT_EQ(float_to_half(std::nextafter(middle, high)), bits + 1);
    ASSERT_EQ(float_to_half(-middle), 0x8000u + bits + (bits & 1));
  }
}

TEST(Half, RoundsFromTheLargestHalfOn) {
  EXPECT_EQ(float_to_half(65504.0f), 0x7BFF);
  EXPECT_EQ(float_to_half(std::nextafter(65520.0f, 0.0f)), 0x7BFF);
  EXPECT_EQ(float_to_half(65520.0f),
            0x7C00);  // half way to the next power: to even, which is infinity
  EXPECT_EQ(float_to_half(-65520.0f), 0xFC00);
  EXPECT_EQ(float_to_half(std::numeric_limits<float>::max()), 0x7C00);
  EXPECT_EQ(float_to_half(INFINITY), 0x7C00);
  EXPECT_EQ(float_to_half(-INFINITY), 0xFC00);
  EXPECT_TRUE(is_nan(float_to_half(std::numeric_limits<float>::quiet_NaN())));
  EXPECT_TRUE(is_nan(float_to_half(
      std::bit_cast<float>(0x7F800001u))));  // its payload has no bit that a half could keep
}

TEST(Half, KeepsSubnormalsAndTheSignOfZero) {
  EXPECT_EQ(float_to_half(0x1p-24f), 0x0001);
  EXPECT_EQ(float_to_half(0x1p-25f), 0x0000);  // a tie between 0 and the smallest
  EXPECT_EQ(float_to_half(std::nextafter(0x1p-25f, 1.0f)), 0x0001);
  EXPECT_EQ(float_to_half(0x1.8p-24f), 0x0002);
  EXPECT_EQ(float_to_half(0x1p-14f), 0x0400);
  EXPECT_EQ(float_to_half(std::nextafter(0x1p-14f, 0.0f)), 0x0400);
  EXPECT_EQ(float_to_half(std::numeric_limits<float>::denorm_min()), 0x0000);
  EXPECT_EQ(float_to_half(0.0f), 0x0000);
  EXPECT_EQ(float_to_half(-0.0f), 0x8000);
}

TEST(Half, AgreesWithASlowConversionOnFloatsOfAllSizes) {
  Random random(3, {});
  for (int i = 0; i < 200000; ++i) {
    const auto value = std::bit_cast<float>(random.next_u32());
    ASSERT_EQ(float_to_half(value), slow_float_to_half(value) | (std::isnan(value) ? 0x7E00 : 0))
        << value;
    const auto near = static_cast<float>(
        std::ldexp(random.uniform(-1, 1), static_cast<int>(random.below(44)) - 26));
    ASSERT_EQ(float_to_half(near), slow_float_to_half(near)) << near;
  }
}

}  // namespace
}  // namespace spc
