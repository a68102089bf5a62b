#include "kernels/update_kernels.h"

#include <tuple>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/update_kernels.cpp"
#include <hwy/foreach_target.h>  // includes this file once for each processor
#include <hwy/highway.h>

#include "kernels/lanes-inl.h"

HWY_BEFORE_NAMESPACE();
namespace spc {
namespace HWY_NAMESPACE {

template <class F, class D>
HWY_INLINE void follow(D d, const Updated<F>& of, int64_t i, Vector<D> parameter) {
  if (of.average == nullptr) return;
  const auto share = hn::Set(d, 1 - of.average_momentum);
  const auto kept = hn::Mul(hn::LoadU(d, of.average + i), hn::Set(d, of.average_momentum));
  hn::StoreU(hn::MulAdd(parameter, share, kept), d, of.average + i);
}

template <class F>
void sgd(const Updated<F>& of, const SgdNumbers<F>& numbers, F* momentum) {
  for_channels<F>(0, of.count, [&](auto d, int64_t i) HWY_ATTR {
    const auto parameter = hn::LoadU(d, of.parameter + i);
    const auto gradient = hn::Mul(hn::LoadU(d, of.gradient + i), hn::Set(d, of.gradient_scale));
    const auto pulled = hn::MulAdd(parameter, hn::Set(d, numbers.decay), gradient);
    const auto moved = hn::MulAdd(hn::LoadU(d, momentum + i), hn::Set(d, numbers.momentum), pulled);
    const auto updated = hn::NegMulAdd(moved, hn::Set(d, numbers.lr), parameter);
    hn::StoreU(moved, d, momentum + i);
    hn::StoreU(updated, d, of.parameter + i);
    follow(d, of, i, updated);
  });
}

template <class F>
void adamw(const Updated<F>& of, const AdamWNumbers<F>& numbers, F* mean, F* square) {
  for_channels<F>(0, of.count, [&](auto d, int64_t i) HWY_ATTR {
    const auto gradient = hn::Mul(hn::LoadU(d, of.gradient + i), hn::Set(d, of.gradient_scale));
    auto first = hn::LoadU(d, mean + i);
    first = hn::MulAdd(hn::Sub(gradient, first), hn::Set(d, 1 - numbers.beta1), first);
    const auto kept = hn::Mul(hn::LoadU(d, square + i), hn::Set(d, numbers.beta2));
    const auto second =
        hn::MulAdd(hn::Mul(gradient, gradient), hn::Set(d, 1 - numbers.beta2), kept);
    const auto deviation = hn::Div(hn::Sqrt(second), hn::Set(d, numbers.square_correction));
    const auto direction = hn::Div(first, hn::Add(deviation, hn::Set(d, numbers.eps)));
    const auto decayed = hn::Mul(hn::LoadU(d, of.parameter + i), hn::Set(d, numbers.kept));
    const auto updated = hn::NegMulAdd(direction, hn::Set(d, numbers.step), decayed);
    hn::StoreU(first, d, mean + i);
    hn::StoreU(second, d, square + i);
    hn::StoreU(updated, d, of.parameter + i);
    follow(d, of, i, updated);
  });
}

template <class F>
void average(const Updated<F>& of) {
  for_channels<F>(0, of.count, [&](auto d, int64_t i) HWY_ATTR {
    follow(d, of, i, hn::LoadU(d, of.parameter + i));
  });
}

template <class F>
constexpr UpdateKernels<F> kUpdateTable{.sgd = sgd<F>, .adamw = adamw<F>, .average = average<F>};

const auto* update_tables() {
  static constexpr std::tuple kTables{kUpdateTable<float>, kUpdateTable<double>};
  return &kTables;
}

}  // namespace HWY_NAMESPACE
}  // namespace spc
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace spc {

HWY_EXPORT(update_tables);

template <class F>
const UpdateKernels<F>& update_kernels() {
  return std::get<UpdateKernels<F>>(*HWY_DYNAMIC_DISPATCH(update_tables)());
}
template const UpdateKernels<float>& update_kernels();
template const UpdateKernels<double>& update_kernels();

}  // namespace spc
#endif
