#include "kernels/unit_row_kernels.h"

#include <cmath>
#include <tuple>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/unit_row_kernels.cpp"
#include <hwy/foreach_target.h>  // includes this file once for each processor
#include <hwy/highway.h>

#include "kernels/rows-inl.h"

HWY_BEFORE_NAMESPACE();
namespace spc {
namespace HWY_NAMESPACE {

template <class T>
void unit_forward(const Compute<T>* x, int64_t rows, int64_t width, Compute<T> shortest, T* unit,
                  Compute<T>* inverse_lengths) {
  using F = Compute<T>;
  for (int64_t row = 0; row < rows; ++row, x += width, unit += width) {
    double squares[1] = {0};
    sum_row<F>(width, squares, [&](auto d, int64_t i, auto* sum) HWY_ATTR {
      const auto value = hn::LoadU(d, x + i);
      sum[0] = hn::MulAdd(value, value, sum[0]);
    });
    const double length = std::sqrt(squares[0]);
    const auto inverse = static_cast<F>(1 / (length < shortest ? shortest : length));
    for_channels<F>(0, width, [&](auto d, int64_t i) HWY_ATTR {
      store(d, hn::Mul(hn::LoadU(d, x + i), hn::Set(d, inverse)), unit + i);
    });
    inverse_lengths[row] = inverse;
  }
}

template <class T>
void unit_backward(const Compute<T>* x, const T* dunit, int64_t rows, int64_t width,
                   Compute<T> shortest, const Compute<T>* inverse_lengths, Compute<T>* dx) {
  using F = Compute<T>;
  const F longest_inverse = 1 / shortest;
  for (int64_t row = 0; row < rows; ++row, x += width, dunit += width, dx += width) {
    const F inverse = inverse_lengths[row];
    double along[1] = {0};
    sum_row<F>(width, along, [&](auto d, int64_t i, auto* sum) HWY_ATTR {
      sum[0] = hn::MulAdd(hn::LoadU(d, x + i), load(d, dunit + i), sum[0]);
    });
    const double squared = static_cast<double>(inverse) * static_cast<double>(inverse);
    const auto share = inverse < longest_inverse ? static_cast<F>(along[0] * squared) : F{0};
    for_channels<F>(0, width, [&](auto d, int64_t i) HWY_ATTR {
      const auto across = hn::NegMulAdd(hn::LoadU(d, x + i), hn::Set(d, share), load(d, dunit + i));
      hn::StoreU(hn::Mul(across, hn::Set(d, inverse)), d, dx + i);
    });
  }
}

template <class T>
constexpr UnitRowKernels<T> kUnitRowTable{.forward = unit_forward<T>, .backward = unit_backward<T>};

const auto* unit_row_tables() {
  static constexpr std::tuple kTables{kUnitRowTable<Bf16>, kUnitRowTable<float>,
                                      kUnitRowTable<double>};
  return &kTables;
}

}  // namespace HWY_NAMESPACE
}  // namespace spc
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace spc {

HWY_EXPORT(unit_row_tables);

template <class T>
const UnitRowKernels<T>& unit_row_kernels() {
  return std::get<UnitRowKernels<T>>(*HWY_DYNAMIC_DISPATCH(unit_row_tables)());
}
template const UnitRowKernels<Bf16>& unit_row_kernels();
template const UnitRowKernels<float>& unit_row_kernels();
template const UnitRowKernels<double>& unit_row_kernels();

}  // namespace spc
#endif
