// The gate z = norm(c3) * sigmoid(x1 + up), and the averages and sums around it. A row is a row of
// frames.
#if defined(SPC_KERNELS_GATE_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef SPC_KERNELS_GATE_INL_H
#undef SPC_KERNELS_GATE_INL_H
#else
#define SPC_KERNELS_GATE_INL_H
#endif

#include <hwy/contrib/math/math-inl.h>

#include "kernels/lanes-inl.h"
#include "kernels/map_kernels.h"
#include "kernels/norm-inl.h"

HWY_BEFORE_NAMESPACE();
namespace spc {
namespace HWY_NAMESPACE {

// 1 / (1 + e^-x) to 7e-5 of its value. e^-x = 2^n 2^f, 2^f by a polynomial.
template <class D>
HWY_INLINE Vector<D> rough_sigmoid(D d, Vector<D> x) {
  const hn::RebindToSigned<D> integers;
  const auto y = hn::Mul(x, hn::Set(d, -1.44269504F));
  const auto n = hn::Round(y);
  const auto f = hn::Sub(y, n);
  auto p = hn::MulAdd(f, hn::Set(d, 0.0095701F), hn::Set(d, 0.05591786F));
  p = hn::MulAdd(f, p, hn::Set(d, 0.24024745F));
  p = hn::MulAdd(f, p, hn::Set(d, 0.69312181F));
  p = hn::MulAdd(f, p, hn::Set(d, 0.99999926F));
  // Of a NaN p is one.
  auto exponent = hn::ConvertTo(integers, n);
  exponent = hn::Min(hn::Max(exponent, hn::Set(integers, -126)), hn::Set(integers, 126));
  const auto power = hn::BitCast(d, hn::ShiftLeft<23>(hn::Add(exponent, hn::Set(integers, 127))));
  const auto sum = hn::MulAdd(p, power, hn::Set(d, 1.0F));
  const auto result = hn::ApproximateReciprocal(sum);
  if constexpr (hn::MaxLanes(d) == 16) return result;  // exact to 14 bits, others to 12
  return hn::Mul(result, hn::NegMulAdd(sum, result, hn::Set(d, 2.0F)));
}

// Of T = Bf16 exact enough for what it is stored as. Where exp() would overflow the sigmoid is 0 or
// 1 all the same. A NaN stays one.
template <class T, class D>
HWY_INLINE Vector<D> sigmoid(D d, Vector<D> x) {
  using F = hn::TFromD<D>;
  if constexpr (sizeof(T) < sizeof(F)) {
    return rough_sigmoid(d, x);
  } else {
    const auto limit = hn::Set(d, static_cast<F>(sizeof(F) == 4 ? 87 : 700));
    const auto exponent = hn::Max(hn::Min(hn::Neg(x), limit), hn::Neg(limit));
    const auto one = hn::Set(d, static_cast<F>(1));
    const auto result = hn::Div(one, hn::Add(one, hn::Exp(d, exponent)));
    return hn::IfThenElse(hn::IsNaN(x), x, result);
  }
}

template <class T>
void gate(GateRow<T> row, T* z) {
  using F = Compute<T>;
  const int64_t channels = row.channels;
  for_channels<F>(0, channels, [&](auto d, int64_t c) HWY_ATTR {
    const Normed<decltype(d)> normed(d, row.norm3, c);
    for (int64_t t = 0; t < row.width; ++t) {
      auto inside = hn::LoadU(d, row.up + row.source[t] * channels + c);
      if (row.x1 != nullptr) inside = hn::Add(inside, load(d, row.x1 + t * channels + c));
      const auto value = normed(load(d, row.c3 + t * channels + c));
      store(d, hn::Mul(value, sigmoid<T>(d, inside)), z + t * channels + c);
    }
  });
}

template <class T>
void gate_backward(GateRow<T> row, const T* dz, T* g3, T* dx1, Compute<T>* dup, double* sums_2C) {
  using F = Compute<T>;
  const int64_t channels = row.channels;
  for_channels<F>(0, channels, [&](auto d, int64_t c) HWY_ATTR {
    const Normed<decltype(d)> normed(d, row.norm3, c);
    auto sum = hn::Zero(d), product = sum;
    for (int64_t t = 0; t < row.width; ++t) {
      const int64_t at = t * channels + c;
      const int64_t small = row.source[t] * channels + c;
      auto inside = hn::LoadU(d, row.up + small);
      if (row.x1 != nullptr) inside = hn::Add(inside, load(d, row.x1 + at));
      const auto open = sigmoid<T>(d, inside);
      const auto value = load(d, row.c3 + at);
      const auto gradient = load(d, dz + at);
      const auto of_value = hn::Mul(gradient, open);
      // d sigmoid = open (1 - open)
      const auto of_inside = hn::Mul(normed(value), hn::NegMulAdd(of_value, open, of_value));
      store(d, of_value, g3 + at);
      if (row.x1 != nullptr) store(d, of_inside, dx1 + at);
      hn::StoreU(hn::Add(hn::LoadU(d, dup + small), of_inside), d, dup + small);
      sum = hn::Add(sum, of_value);
      product = hn::MulAdd(of_value, hn::Sub(value, normed.mean), product);
    }
    add_lanes(d, sum, sums_2C + c);
    add_lanes(d, product, sums_2C + channels + c);
  });
}

// NaN if either is, which the processors' own maxima are not.
template <class V>
V larger(V a, V b) {
  return hn::IfThenElse(hn::Or(hn::Gt(a, b), hn::IsNaN(a)), a, b);
}

enum class Pooling { kAverage, kMax };

template <Pooling kPooling, class T>
void pool(Slab<const T> x, int64_t rows, int64_t row_stride, int64_t width, int64_t r, T* small) {
  using F = Compute<T>;
  constexpr bool kMax = kPooling == Pooling::kMax;
  for_channels<F>(0, x.channels, [&](auto d, int64_t c) HWY_ATTR {
    for (int64_t begin = 0, window = 0; begin < width; begin += r, ++window) {
      const int64_t end = HWY_MIN(begin + r, width);
      auto result = kMax ? load(d, x.data + begin * x.stride + c) : hn::Zero(d);
      for (int64_t row = 0; row < rows; ++row)
        for (int64_t t = begin; t < end; ++t) {
          const auto value = load(d, x.data + row * row_stride + t * x.stride + c);
          result = kMax ? larger(result, value) : hn::Add(result, value);
        }
      if constexpr (!kMax)
        result = hn::Div(result, hn::Set(d, static_cast<F>(rows * (end - begin))));
      store(d, result, small + window * x.channels + c);
    }
  });
}

template <class T>
void share(Slab<const T> small, int64_t rows, int64_t width, int64_t r, Compute<T>* shares) {
  using F = Compute<T>;
  for_channels<F>(0, small.channels, [&](auto d, int64_t c) HWY_ATTR {
    for (int64_t begin = 0, window = 0; begin < width; begin += r, ++window) {
      const auto part = hn::Set(d, 1 / static_cast<F>(rows * HWY_MIN(r, width - begin)));
      hn::StoreU(hn::Mul(load(d, small.data + window * small.stride + c), part), d,
                 shares + window * small.channels + c);
    }
  });
}

template <class T>
void merge(Slab<const T> base, const T* a, const T* b, const Compute<T>* up, const int32_t* source,
           int64_t width, T* y) {
  for_channels<Compute<T>>(0, base.channels, [&](auto d, int64_t c) HWY_ATTR {
    for (int64_t t = 0; t < width; ++t) {
      const int64_t at = t * base.channels + c;
      auto sum = load(d, base.data + t * base.stride + c);
      if (a != nullptr) sum = hn::Add(sum, load(d, a + at));
      if (b != nullptr) sum = hn::Add(sum, load(d, b + at));
      if (up != nullptr) sum = hn::Add(sum, hn::LoadU(d, up + source[t] * base.channels + c));
      store(d, sum, y + at);
    }
  });
}

template <class T>
void narrow(const Compute<T>* wide, int64_t count, T* narrowed) {
  for_channels<Compute<T>>(0, count, [&](auto d, int64_t i) HWY_ATTR {
    store(d, hn::LoadU(d, wide + i), narrowed + i);
  });
}

}  // namespace HWY_NAMESPACE
}  // namespace spc
HWY_AFTER_NAMESPACE();
#endif
