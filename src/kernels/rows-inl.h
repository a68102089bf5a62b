// Sums over long rows.
#if defined(SPC_KERNELS_ROWS_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef SPC_KERNELS_ROWS_INL_H
#undef SPC_KERNELS_ROWS_INL_H
#else
#define SPC_KERNELS_ROWS_INL_H
#endif

#include "kernels/lanes-inl.h"

HWY_BEFORE_NAMESPACE();
namespace spc {
namespace HWY_NAMESPACE {

template <class D>
HWY_INLINE void add_all_lanes(D d, Vector<D> value, double& total) {
  HWY_ALIGN hn::TFromD<D> lanes[hn::MaxLanes(d)];
  hn::StoreU(value, d, lanes);
  for (size_t i = 0; i < hn::Lanes(d); ++i) total += static_cast<double>(lanes[i]);
}

// totals[n] += sum over a row of what body(tag, place, sums) adds to sums[n]. A lane adds up a few
// hundred numbers at most, for which single precision is enough.
template <class F, int kSums, class Body>
HWY_INLINE void sum_row(int64_t count, double (&totals)[kSums], Body body) {
  constexpr int64_t kNumbersOfLane = 256;
  const auto piece = [&](auto d, int64_t begin, int64_t end) HWY_ATTR {
    Vector<decltype(d)> sums[kSums];
    for (auto& sum : sums) sum = hn::Zero(d);
    const auto lanes = static_cast<int64_t>(hn::Lanes(d));
    for (int64_t i = begin; i < end; i += lanes) body(d, i, sums);
    for (int n = 0; n < kSums; ++n) add_all_lanes(d, sums[n], totals[n]);
  };
  const hn::CappedTag<F, kWidest<F>> wide;
  const int64_t whole = count - count % static_cast<int64_t>(hn::Lanes(wide));
  const auto step = kNumbersOfLane * static_cast<int64_t>(hn::Lanes(wide));
  for (int64_t begin = 0; begin < whole; begin += step)
    piece(wide, begin, HWY_MIN(begin + step, whole));
  piece(hn::CappedTag<F, 1>(), whole, count);
}

}  // namespace HWY_NAMESPACE
}  // namespace spc
HWY_AFTER_NAMESPACE();
#endif
