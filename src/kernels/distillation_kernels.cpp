#include "kernels/distillation_kernels.h"

#include <cmath>
#include <limits>
#include <tuple>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/distillation_kernels.cpp"
#include <hwy/foreach_target.h>  // includes this file once for each processor
#include <hwy/highway.h>
// behind them
#include <hwy/contrib/math/math-inl.h>

#include "kernels/rows-inl.h"

HWY_BEFORE_NAMESPACE();
namespace spc {
namespace HWY_NAMESPACE {

template <class F, class Value>
HWY_INLINE F maximum_of_row(int64_t count, Value value) {
  const hn::CappedTag<F, kWidest<F>> wide;
  const hn::CappedTag<F, 1> single;
  const auto lanes = static_cast<int64_t>(hn::Lanes(wide));
  auto largest = hn::Set(wide, -std::numeric_limits<F>::infinity());
  int64_t i = 0;
  for (; i + lanes <= count; i += lanes) largest = hn::Max(largest, value(wide, i));
  F result = hn::GetLane(hn::MaxOfLanes(wide, largest));
  for (; i < count; ++i) result = HWY_MAX(result, hn::GetLane(value(single, i)));
  return result;
}

// The first place of a value; 0 if it is nowhere.
template <class F, class Value>
HWY_INLINE int64_t place_in_row(F wanted, int64_t count, Value value) {
  const hn::CappedTag<F, kWidest<F>> wide;
  const hn::CappedTag<F, 1> single;
  const auto lanes = static_cast<int64_t>(hn::Lanes(wide));
  int64_t i = 0;
  for (; i + lanes <= count; i += lanes) {
    const intptr_t found = hn::FindFirstTrue(wide, hn::Eq(value(wide, i), hn::Set(wide, wanted)));
    if (found >= 0) return i + found;
  }
  for (; i < count; ++i)
    if (hn::GetLane(value(single, i)) == wanted) return i;
  return 0;
}

// Highway's is 0 of a NaN.
template <class D>
HWY_INLINE Vector<D> exp_or_nan(D d, Vector<D> x) {
  return hn::IfThenElse(hn::IsNaN(x), x, hn::Exp(d, x));
}

template <class T>
TargetRow target(const Compute<T>* logits, const Compute<T>* center, Compute<T> inverse_temp,
                 int64_t count, T* p) {
  using F = Compute<T>;
  const auto scaled = [&](auto d, int64_t i) HWY_ATTR {
    return hn::Mul(hn::Sub(hn::LoadU(d, logits + i), hn::LoadU(d, center + i)),
                   hn::Set(d, inverse_temp));
  };
  const F largest = maximum_of_row<F>(count, scaled);
  double sums[2] = {0, 0};  // of e^x and of x e^x, x less the largest
  sum_row<F>(count, sums, [&](auto d, int64_t i, auto* sum) HWY_ATTR {
    const auto x = hn::Sub(scaled(d, i), hn::Set(d, largest));
    const auto e = exp_or_nan(d, x);
    sum[0] = hn::Add(sum[0], e);
    sum[1] = hn::MulAdd(x, e, sum[1]);
  });
  double mass[1] = {0};
  sum_row<F>(count, mass, [&](auto d, int64_t i, auto* sum) HWY_ATTR {
    const auto e = exp_or_nan(d, hn::Sub(scaled(d, i), hn::Set(d, largest)));
    store(d, hn::Mul(e, hn::Set(d, static_cast<F>(1 / sums[0]))), p + i);
    sum[0] = hn::Add(sum[0], load(d, p + i));
  });
  return {mass[0], std::log(sums[0]) - sums[1] / sums[0], place_in_row<F>(largest, count, scaled)};
}

template <class T>
double cross_entropy(const Compute<T>* logits, const T* const* targets, int64_t num_targets,
                     double mass, Compute<T> inverse_temp, int64_t count, Compute<T>* slope) {
  using F = Compute<T>;
  const auto scaled = [&](auto d, int64_t i) HWY_ATTR {
    return hn::Mul(hn::LoadU(d, logits + i), hn::Set(d, inverse_temp));
  };
  const auto wanted = [&](auto d, int64_t i) HWY_ATTR {
    auto sum = hn::Zero(d);
    for (int64_t q = 0; q < num_targets; ++q) sum = hn::Add(sum, load(d, targets[q] + i));
    return sum;
  };
  const F largest = maximum_of_row<F>(count, scaled);
  double sums[2] = {0, 0};  // of e^x and of p x, x less the largest
  sum_row<F>(count, sums, [&](auto d, int64_t i, auto* sum) HWY_ATTR {
    const auto x = hn::Sub(scaled(d, i), hn::Set(d, largest));
    const auto e = exp_or_nan(d, x);
    hn::StoreU(e, d, slope + i);
    sum[0] = hn::Add(sum[0], e);
    sum[1] = hn::MulAdd(wanted(d, i), x, sum[1]);
  });
  const auto part = static_cast<F>(mass / sums[0]);
  for_channels<F>(0, count, [&](auto d, int64_t i) HWY_ATTR {
    const auto of_student = hn::Mul(hn::LoadU(d, slope + i), hn::Set(d, part));
    const auto difference = hn::Sub(of_student, wanted(d, i));
    hn::StoreU(hn::Mul(difference, hn::Set(d, inverse_temp)), d, slope + i);
  });
  return mass * std::log(sums[0]) - sums[1];
}

template <class T>
constexpr DistillationKernels<T> kDistillationTable{.target = target<T>,
                                                    .cross_entropy = cross_entropy<T>};

const auto* distillation_tables() {
  static constexpr std::tuple kTables{kDistillationTable<Bf16>, kDistillationTable<float>,
                                      kDistillationTable<double>};
  return &kTables;
}

}  // namespace HWY_NAMESPACE
}  // namespace spc
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace spc {

HWY_EXPORT(distillation_tables);

template <class T>
const DistillationKernels<T>& distillation_kernels() {
  return std::get<DistillationKernels<T>>(*HWY_DYNAMIC_DISPATCH(distillation_tables)());
}
template const DistillationKernels<Bf16>& distillation_kernels();
template const DistillationKernels<float>& distillation_kernels();
template const DistillationKernels<double>& distillation_kernels();

}  // namespace spc
#endif
