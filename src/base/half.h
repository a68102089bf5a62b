// IEEE 754 half precision, as stored in shards. Branch-free in the common case, so loops over it
// vectorise.
#pragma once

#include <bit>
#include <cstdint>

namespace spc {

/// Rounds to nearest, ties to even; too large becomes infinity, NaN stays NaN.
inline uint16_t float_to_half(float value) {
  const uint32_t bits = std::bit_cast<uint32_t>(value);
  const uint32_t sign = bits >> 16 & 0x8000u;
  const uint32_t magnitude = bits & 0x7FFFFFFFu;
  if (magnitude > 0x7F800000u) return static_cast<uint16_t>(sign | 0x7E00u);
  if (magnitude >= 0x477FF000u) return static_cast<uint16_t>(sign | 0x7C00u);  // 65520 and above
  if (magnitude < 0x38800000u) {  // subnormal half: let the adder round
    const float shifted = std::bit_cast<float>(magnitude) + 0.5f;
    return static_cast<uint16_t>(sign | (std::bit_cast<uint32_t>(shifted) - 0x3F000000u));
  }
  const uint32_t rounded = magnitude + 0xFFFu + (magnitude >> 13 & 1u);
  return static_cast<uint16_t>(sign | ((rounded - 0x38000000u) >> 13));
}

/// Exact.
inline float half_to_float(uint16_t half) {
  const uint32_t sign = (half & 0x8000u) << 16;
  const uint32_t magnitude = (half & 0x7FFFu) << 13;
  // Scaling by 2^112 moves the exponent's bias and makes subnormals right; infinities and NaN need
  // their exponent back.
  const float scaled = std::bit_cast<float>(magnitude) * 0x1p112f;
  const uint32_t special = magnitude >= 0x0F800000u ? 0x7F800000u : 0u;
  return std::bit_cast<float>(sign | special | std::bit_cast<uint32_t>(scaled));
}

/// Infinity or NaN.
inline bool half_is_special(uint16_t half) {
  return (half & 0x7C00u) == 0x7C00u;
}

}  // namespace spc
