#include "kernels/half_kernels.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/half_kernels.cpp"
#include <hwy/foreach_target.h>  // includes this file once for each processor
#include <hwy/highway.h>

#include "kernels/lanes-inl.h"

HWY_BEFORE_NAMESPACE();
namespace spc {
namespace HWY_NAMESPACE {

// A float's fraction has 13 bits more than a half's, and its exponent's bias is 112 higher.
constexpr int kFraction = 13;
constexpr int32_t kBias = 112 << 23;

#if HWY_ARCH_X86 && HWY_TARGET <= HWY_AVX2  // all that are as good or better have F16C

template <class D>
HWY_INLINE Vector<D> widened(D d, const uint16_t* halves) {
  const hn::Rebind<hwy::float16_t, D> narrow;
  const hn::Rebind<uint16_t, D> bits;
  return hn::PromoteTo(d, hn::BitCast(narrow, hn::LoadU(bits, halves)));
}

#else

// By integers: no setting that flushes subnormal floats can spoil it.
template <class D>
HWY_INLINE Vector<D> widened(D d, const uint16_t* halves) {
  const hn::Rebind<uint16_t, D> narrow;
  const hn::Rebind<int32_t, D> wide;
  const auto smallest_normal = hn::Set(wide, 1 << 23);
  const auto infinity = hn::Set(wide, 0x1F << 23);  // what is above is NaN
  const auto half = hn::PromoteTo(wide, hn::LoadU(narrow, halves));
  const auto sign = hn::ShiftLeft<16>(hn::And(half, hn::Set(wide, 0x8000)));
  const auto moved = hn::ShiftLeft<kFraction>(hn::And(half, hn::Set(wide, 0x7FFF)));
  const auto normal = hn::Add(moved, hn::Set(wide, kBias));
  // With the smallest normal exponent the fraction has its implied one, which is taken off again.
  const auto with_one = hn::BitCast(d, hn::Add(normal, smallest_normal));
  const auto subnormal = hn::BitCast(wide, hn::Sub(with_one, hn::Set(d, 0x1p-14F)));
  const auto special = hn::Or(moved, hn::Set(wide, 0x7F800000));
  const auto finite = hn::IfThenElse(hn::Lt(moved, smallest_normal), subnormal, normal);
  const auto magnitude = hn::IfThenElse(hn::Lt(moved, infinity), finite, special);
  return hn::BitCast(d, hn::Or(sign, magnitude));
}

#endif

constexpr uint16_t kInfinity = 0x7C00;  // as a half, without its sign; what is above is NaN

bool widen(const uint16_t* halves, int64_t count, float* floats) {
  constexpr auto kFloats = static_cast<int64_t>(kWidest<float>);
  constexpr auto kHalves = static_cast<int64_t>(kWidest<uint16_t>);
  const hn::CappedTag<float, kWidest<float>> d;
  const hn::CappedTag<uint16_t, kWidest<uint16_t>> wider;  // as wide a vector has more halves
  auto largest = hn::Zero(wider);
  int64_t begin = 0;
  for (; begin + kHalves <= count; begin += kHalves) {
    const auto magnitude = hn::And(hn::LoadU(wider, halves + begin), hn::Set(wider, 0x7FFF));
    largest = hn::Max(largest, magnitude);
    for (int64_t i = begin; i < begin + kHalves; i += kFloats)
      hn::StoreU(widened(d, halves + i), d, floats + i);
  }
  bool finite = hn::AllTrue(wider, hn::Lt(largest, hn::Set(wider, kInfinity)));
  for (const hn::CappedTag<float, 1> one; begin < count; ++begin) {
    hn::StoreU(widened(one, halves + begin), one, floats + begin);
    finite &= (halves[begin] & 0x7FFF) < kInfinity;
  }
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
