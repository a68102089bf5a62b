// Vectors of stored numbers, and loops over channels in vectors that fit. Compiled once for each
// processor (Highway's foreach_target).
#if defined(SPC_KERNELS_LANES_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef SPC_KERNELS_LANES_INL_H
#undef SPC_KERNELS_LANES_INL_H
#else
#define SPC_KERNELS_LANES_INL_H
#endif

#include <hwy/highway.h>

#include "kernels/maps.h"

HWY_BEFORE_NAMESPACE();
namespace spc {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

// D: the tag of a vector of numbers as they are computed.
template <class D>
using Vector = hn::Vec<D>;

template <class D>
HWY_INLINE Vector<D> load(D d, const hn::TFromD<D>* from) {
  return hn::LoadU(d, from);
}
template <class D>
HWY_INLINE void store(D d, Vector<D> value, hn::TFromD<D>* to) {
  hn::StoreU(value, d, to);
}

template <class D>
HWY_INLINE Vector<D> load(D d, const Bf16* from) {
  const hn::Rebind<uint16_t, D> narrow;
  const hn::Rebind<uint32_t, D> bits;
  const auto upper = hn::LoadU(narrow, &from->bits);
  return hn::BitCast(d, hn::ShiftLeft<16>(hn::PromoteTo(bits, upper)));
}

#if HWY_TARGET == HWY_AVX3
// Newer than what Highway tells AVX-512's processors apart by. One instruction for ten, of which a
// pass over memory has no more than twenty.
const bool kRoundsToBf16 = __builtin_cpu_supports("avx512bf16") != 0;
#endif

// To nearest even; a NaN stays one. What is too small for a normal number may become zero.
template <class D>
HWY_INLINE void store([[maybe_unused]] D d, Vector<D> value, Bf16* to) {
  const hn::Rebind<uint16_t, D> narrow;
#if HWY_TARGET == HWY_AVX3
  if constexpr (hn::MaxLanes(D()) == 16) {
    if (kRoundsToBf16) {
      __m256i rounded;
      asm("vcvtneps2bf16 %1, %0" : "=v"(rounded) : "v"(value.raw));
      hn::StoreU(hn::Vec<decltype(narrow)>{rounded}, narrow, &to->bits);
      return;
    }
  }
#endif
  const hn::Rebind<uint32_t, D> bits;
  const auto all = hn::BitCast(bits, value);
  const auto odd = hn::And(hn::ShiftRight<16>(all), hn::Set(bits, 1u));
  const auto rounded = hn::ShiftRight<16>(hn::Add(all, hn::Add(odd, hn::Set(bits, 0x7FFFu))));
  const auto nan = hn::RebindMask(bits, hn::IsNaN(value));
  hn::StoreU(hn::TruncateTo(narrow, hn::IfThenElse(nan, hn::Set(bits, 0x7FC0u), rounded)), narrow,
             &to->bits);
}

template <class F>
inline constexpr size_t kWidest = HWY_HAVE_SCALABLE ? 16 / sizeof(F) : HWY_LANES(F);

// body(tag, first channel) for vectors that cover all channels: the widest as often as it fits,
// then halves.
template <class F, size_t kLanes = kWidest<F>, class Body>
HWY_INLINE void for_channels(int64_t begin, int64_t channels, Body body) {
  const hn::CappedTag<F, kLanes> d;
  for (; begin + static_cast<int64_t>(kLanes) <= channels; begin += static_cast<int64_t>(kLanes))
    body(d, begin);
  if constexpr (kLanes > 1) {
    if (begin < channels) for_channels<F, kLanes / 2>(begin, channels, body);
  }
}

// What a body adds up for some channels, over some pixels.
template <class D>
HWY_INLINE void add_lanes(D d, Vector<D> value, double* to) {
  HWY_ALIGN hn::TFromD<D> lanes[hn::MaxLanes(d)];
  hn::StoreU(value, d, lanes);
  for (size_t i = 0; i < hn::Lanes(d); ++i) to[i] += static_cast<double>(lanes[i]);
}

}  // namespace HWY_NAMESPACE
}  // namespace spc
HWY_AFTER_NAMESPACE();
#endif
