#include "kernels/half_kernels.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/half_kernels.cpp"
#include <hwy/foreach_target.h>  // includes this file once for each processor
#include <hwy/highway.h>

#include "kernels/lanes-inl.h"

HWY_BEFORE_NAMESPACE();
namespace spc {
namespace HWY_NAMESPACE {

// By integers, on every processor alike: no setting that flushes subnormal floats can spoil it. A
// float's fraction has 13 bits more than a half's, and its exponent's bias is 112 higher.
constexpr int kFraction = 13;
constexpr int32_t kBias = 112 << 23;
constexpr int32_t kSmallestNormal = 1 << 23;  // of a half moved to a float's place
constexpr int32_t kInfinity = 0x1F << 23;     // likewise; what is above is NaN

bool widen(const uint16_t* halves, int64_t count, float* floats) {
  bool finite = true;
  for_channels<float>(0, count, [&](auto d, int64_t i) HWY_ATTR {
    const hn::Rebind<uint16_t, decltype(d)> narrow;
    const hn::Rebind<int32_t, decltype(d)> wide;
    const auto half = hn::PromoteTo(wide, hn::LoadU(narrow, halves + i));
    const auto sign = hn::ShiftLeft<16>(hn::And(half, hn::Set(wide, 0x8000)));
    const auto moved = hn::ShiftLeft<kFraction>(hn::And(half, hn::Set(wide, 0x7FFF)));
    const auto normal = hn::Add(moved, hn::Set(wide, kBias));
    // With the smallest normal exponent the fraction has its implied one, which is taken off again.
    const auto with_one = hn::BitCast(d, hn::Add(normal, hn::Set(wide, kSmallestNormal)));
    const auto subnormal = hn::BitCast(wide, hn::Sub(with_one, hn::Set(d, 0x1p-14F)));
    const auto special = hn::Or(moved, hn::Set(wide, 0x7F800000));
    const auto is_finite = hn::Lt(moved, hn::Set(wide, kInfinity));
    const auto is_subnormal = hn::Lt(moved, hn::Set(wide, kSmallestNormal));
    const auto magnitude =
        hn::IfThenElse(is_finite, hn::IfThenElse(is_subnormal, subnormal, normal), special);
    hn::StoreU(hn::BitCast(d, hn::Or(sign, magnitude)), d, floats + i);
    finite &= hn::AllTrue(wide, is_finite);
  });
  return finite;
}

bool narrow(const float* floats, int64_t count, uint16_t* halves) {
  bool finite = true;
  for_channels<float>(0, count, [&](auto d, int64_t i) HWY_ATTR {
    const hn::Rebind<uint16_t, decltype(d)> narrow;
    const hn::Rebind<int32_t, decltype(d)> wide;
    const hn::Rebind<uint32_t, decltype(d)> bits;
    const auto all = hn::BitCast(wide, hn::LoadU(d, floats + i));
    const auto magnitude = hn::And(all, hn::Set(wide, 0x7FFFFFFF));
    const auto sign = hn::ShiftRight<16>(hn::BitCast(bits, hn::Xor(all, magnitude)));
    const auto odd = hn::And(hn::ShiftRight<kFraction>(magnitude), hn::Set(wide, 1));
    const auto rounded = hn::Add(magnitude, hn::Add(odd, hn::Set(wide, 0xFFF - kBias)));
    const auto normal = hn::ShiftRight<kFraction>(rounded);
    // Beside 0.5 the last place of a float is that of a subnormal half: the adder rounds.
    const auto half = hn::Set(d, 0.5F);
    const auto beside = hn::BitCast(wide, hn::Add(hn::BitCast(d, magnitude), half));
    const auto subnormal = hn::Sub(beside, hn::BitCast(wide, half));
    const auto is_nan = hn::Gt(magnitude, hn::Set(wide, 0x7F800000));
    const auto special = hn::IfThenElse(is_nan, hn::Set(wide, 0x7E00), hn::Set(wide, 0x7C00));
    const auto is_finite = hn::Lt(magnitude, hn::Set(wide, 0x477FF000));     // below 65520
    const auto is_subnormal = hn::Lt(magnitude, hn::Set(wide, 0x38800000));  // below 2^-14
    const auto result =
        hn::IfThenElse(is_finite, hn::IfThenElse(is_subnormal, subnormal, normal), special);
    hn::StoreU(hn::TruncateTo(narrow, hn::Or(hn::BitCast(bits, result), sign)), narrow, halves + i);
    finite &= hn::AllTrue(wide, is_finite);
  });
  return finite;
}

const HalfKernels* half_table() {
  static constexpr HalfKernels kTable{.widen = widen, .narrow = narrow};
  return &kTable;
}

}  // namespace HWY_NAMESPACE
}  // namespace spc
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace spc {

HWY_EXPORT(half_table);

const HalfKernels& half_kernels() {
  return *HWY_DYNAMIC_DISPATCH(half_table)();
}

}  // namespace spc
#endif
