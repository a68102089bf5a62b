// From inputs to factors and from products to results, F(4, 3) in both directions.
#if defined(SPC_KERNELS_WINOGRAD_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef SPC_KERNELS_WINOGRAD_INL_H
#undef SPC_KERNELS_WINOGRAD_INL_H
#else
#define SPC_KERNELS_WINOGRAD_INL_H
#endif

#include "kernels/lanes-inl.h"
#include "kernels/winograd_kernels.h"

HWY_BEFORE_NAMESPACE();
namespace spc {
namespace HWY_NAMESPACE {

template <class D>
HWY_INLINE Vector<D> constant(D d, double value) {
  return hn::Set(d, static_cast<hn::TFromD<D>>(value));
}

// take(i): input i of six; give(k, factor k).
struct Factors {
  static constexpr int64_t kCount = kWinogradInputs;
  template <class D, class Take, class Give>
  static HWY_INLINE void of(D d, Take take, Give give) {
    constexpr double a = kWinogradNear;
    constexpr double b = kWinogradFar;
    const auto product = constant(d, a * a * b * b);
    const auto sum = constant(d, a * a + b * b);
    const auto near2 = constant(d, a * a);
    const auto far2 = constant(d, b * b);
    const auto x0 = take(0), x1 = take(1), x2 = take(2), x3 = take(3), x4 = take(4), x5 = take(5);
    give(0, hn::MulAdd(product, x0, hn::NegMulAdd(sum, x2, x4)));
    const auto even_near = hn::NegMulAdd(far2, x2, x4);
    const auto odd_near = hn::Mul(constant(d, a), hn::NegMulAdd(far2, x1, x3));
    give(1, hn::Add(even_near, odd_near));
    give(2, hn::Sub(even_near, odd_near));
    const auto even_far = hn::NegMulAdd(near2, x2, x4);
    const auto odd_far = hn::Mul(constant(d, b), hn::NegMulAdd(near2, x1, x3));
    give(3, hn::Add(even_far, odd_far));
    give(4, hn::Sub(even_far, odd_far));
    give(5, hn::MulAdd(product, x1, hn::NegMulAdd(sum, x3, x5)));
  }
};

// take(k): product k of six; give(i, result i of four).
struct Results {
  static constexpr int64_t kCount = kWinogradTile;
  template <class D, class Take, class Give>
  static HWY_INLINE void of(D d, Take take, Give give) {
    constexpr double a = kWinogradNear;
    constexpr double b = kWinogradFar;
    const auto plus = take(1), minus = take(2), plus_far = take(3), minus_far = take(4);
    const auto even = hn::Add(plus, minus), odd = hn::Sub(plus, minus);
    const auto even_far = hn::Add(plus_far, minus_far), odd_far = hn::Sub(plus_far, minus_far);
    give(0, hn::Add(take(0), hn::Add(even, even_far)));
    give(1, hn::MulAdd(constant(d, a), odd, hn::Mul(constant(d, b), odd_far)));
    give(2, hn::MulAdd(constant(d, a * a), even, hn::Mul(constant(d, b * b), even_far)));
    give(3, hn::MulAdd(constant(d, a * a * a), odd,
                       hn::MulAdd(constant(d, b * b * b), odd_far, take(5))));
  }
};

// Transform: Factors or Results. First of each of six columns, then of each of the first `rows`
// rows that this leaves. take(i, j), give(i, j, value): row i, column j.
template <class Transform, class D, class Take, class Give>
HWY_INLINE void in_both_directions(D d, int64_t rows, Take take, Give give) {
  HWY_ALIGN hn::TFromD<D> between[Transform::kCount * kWinogradInputs * hn::MaxLanes(d)];
  const auto place = [&](int64_t i, int64_t j) HWY_ATTR {
    return between + static_cast<size_t>(i * kWinogradInputs + j) * hn::MaxLanes(d);
  };
  for (int64_t j = 0; j < kWinogradInputs; ++j)
    Transform::of(
        d, [&](int64_t i) HWY_ATTR { return take(i, j); },
        [&](int64_t i, auto value) HWY_ATTR { hn::Store(value, d, place(i, j)); });
  for (int64_t i = 0; i < rows; ++i)
    Transform::of(
        d, [&](int64_t j) HWY_ATTR { return hn::Load(d, place(i, j)); },
        [&](int64_t j, auto value) HWY_ATTR { give(i, j, value); });
}

// Both below capture by value: what is captured by reference is read again behind every store.
template <bool kInside, class T>
void winograd_input_as(const T* x, WinogradTile tile, int64_t plane, T* v) {
  for_channels<T>(0, tile.channels, [&](auto d, int64_t c) HWY_ATTR {
    in_both_directions<Factors>(
        d, kWinogradInputs,
        [=](int64_t i, int64_t j) HWY_ATTR {
          const int64_t row = tile.row - 1 + i;
          const int64_t column = tile.column - 1 + j;
          if constexpr (!kInside) {
            if (column < 0 || column >= tile.columns || row < 0 || row >= tile.rows)
              return hn::Zero(d);
          }
          return hn::LoadU(d, x + (row * tile.columns + column) * tile.channels + c);
        },
        [=](int64_t i, int64_t j, auto value)
            HWY_ATTR { hn::StoreU(value, d, v + (i * kWinogradInputs + j) * plane + c); });
  });
}

template <class T>
void winograd_input(const T* x, WinogradTile tile, int64_t plane, T* v) {
  const bool inside = tile.row > 0 && tile.column > 0 && tile.row + kWinogradTile < tile.rows &&
                      tile.column + kWinogradTile < tile.columns;
  inside ? winograd_input_as<true>(x, tile, plane, v) : winograd_input_as<false>(x, tile, plane, v);
}

template <class T>
void winograd_output(const T* m, int64_t plane, const T* bias, WinogradTile tile, T* y) {
  const int64_t rows = HWY_MIN(kWinogradTile, tile.rows - tile.row);
  const int64_t columns = HWY_MIN(kWinogradTile, tile.columns - tile.column);
  for_channels<T>(0, tile.channels, [&](auto d, int64_t c) HWY_ATTR {
    const auto shift = hn::LoadU(d, bias + c);
    in_both_directions<Results>(
        d, rows,
        [=](int64_t i, int64_t j)
            HWY_ATTR { return hn::LoadU(d, m + (i * kWinogradInputs + j) * plane + c); },
        [=](int64_t i, int64_t j, auto value) HWY_ATTR {
          if (j < columns) {
            const int64_t pixel = (tile.row + i) * tile.columns + tile.column + j;
            hn::StoreU(hn::Add(value, shift), d, y + pixel * tile.channels + c);
          }
        });
  });
}

}  // namespace HWY_NAMESPACE
}  // namespace spc
HWY_AFTER_NAMESPACE();
#endif
