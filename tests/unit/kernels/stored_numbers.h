// Kernels against the same arithmetic written as loops over single numbers in double, for every
// processor that this one can stand in for.
#pragma once

#include <gtest/gtest.h>

#include <bit>
#include <cstdint>

#include "kernels/maps.h"
#include "unit/kernels/processors.h"

namespace spc {

using StoredTypes = testing::Types<Bf16, float, double>;

template <class T>
double number(T value) {
  return static_cast<double>(value);
}
template <>
inline double number(Bf16 value) {
  return std::bit_cast<float>(uint32_t{value.bits} << 16);
}
template <class T>
T stored(double value) {
  return static_cast<T>(value);
}
template <>
inline Bf16 stored(double value) {  // cut off, which is as good as any value to start from
  return {static_cast<uint16_t>(std::bit_cast<uint32_t>(static_cast<float>(value)) >> 16)};
}
template <class T>
inline constexpr double kTolerance = 1e-12;
template <>
inline constexpr double kTolerance<float> = 2e-5;
template <>
inline constexpr double kTolerance<Bf16> = 0.01;

}  // namespace spc
