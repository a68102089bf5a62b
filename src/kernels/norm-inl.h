// Sums over pixels, and what is done to each channel alike.
#if defined(SPC_KERNELS_NORM_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef SPC_KERNELS_NORM_INL_H
#undef SPC_KERNELS_NORM_INL_H
#else
#define SPC_KERNELS_NORM_INL_H
#endif

#include "kernels/lanes-inl.h"
#include "kernels/maps.h"

HWY_BEFORE_NAMESPACE();
namespace spc {
namespace HWY_NAMESPACE {

// Deviations from the first pixel, so that squares do not cancel; put right in double.
template <class T>
void sums(Slab<const T> x, Pixels pixels, double* sums_2C) {
  using F = Compute<T>;
  if (pixels.begin >= pixels.end) return;
  const auto count = static_cast<double>(pixels.end - pixels.begin);
  for_channels<F>(0, x.channels, [&](auto d, int64_t c) HWY_ATTR {
    const T* at = x.data + pixels.begin * x.stride + c;
    const auto pivot = load(d, at);
    auto sum0 = hn::Zero(d), sum1 = sum0, square0 = sum0, square1 = sum0;
    int64_t i = pixels.begin;
    for (; i + 2 <= pixels.end; i += 2, at += 2 * x.stride) {
      const auto one = hn::Sub(load(d, at), pivot);
      const auto two = hn::Sub(load(d, at + x.stride), pivot);
      sum0 = hn::Add(sum0, one);
      sum1 = hn::Add(sum1, two);
      square0 = hn::MulAdd(one, one, square0);
      square1 = hn::MulAdd(two, two, square1);
    }
    if (i < pixels.end) {
      const auto last = hn::Sub(load(d, at), pivot);
      sum0 = hn::Add(sum0, last);
      square0 = hn::MulAdd(last, last, square0);
    }
    HWY_ALIGN F of_pivot[hn::MaxLanes(d)];
    HWY_ALIGN F deviations[hn::MaxLanes(d)];
    HWY_ALIGN F squares[hn::MaxLanes(d)];
    hn::StoreU(pivot, d, of_pivot);
    hn::StoreU(hn::Add(sum0, sum1), d, deviations);
    hn::StoreU(hn::Add(square0, square1), d, squares);
    for (size_t lane = 0; lane < hn::Lanes(d); ++lane) {
      const auto p = static_cast<double>(of_pivot[lane]);
      const auto deviation = static_cast<double>(deviations[lane]);
      double* sum = sums_2C + c + lane;
      sum[0] += p * count + deviation;
      sum[x.channels] += static_cast<double>(squares[lane]) + 2 * p * deviation + p * p * count;
    }
  });
}

template <class D>
struct Normed {
  template <class F>
  HWY_INLINE Normed(D d, Affine<F> norm, int64_t c)
      : mean(hn::LoadU(d, norm.mean + c)),
        scale(hn::LoadU(d, norm.scale + c)),
        bias(hn::LoadU(d, norm.bias + c)) {}
  HWY_INLINE Vector<D> operator()(Vector<D> x) const {
    return hn::MulAdd(hn::Sub(x, mean), scale, bias);
  }
  Vector<D> mean;
  Vector<D> scale;
  Vector<D> bias;
};

template <bool kRelu, bool kAdd, class T>
void apply_as(Slab<const T> x, Affine<Compute<T>> norm, Slab<const T> add, Slab<T> y,
              Pixels pixels) {
  for_channels<Compute<T>>(0, x.channels, [&](auto d, int64_t c) HWY_ATTR {
    const Normed<decltype(d)> normed(d, norm, c);
    for (int64_t i = pixels.begin; i < pixels.end; ++i) {
      auto value = normed(load(d, x.data + i * x.stride + c));
      // max(0, NaN) must be NaN: the comparison that keeps it is this way round.
      if constexpr (kRelu) value = hn::IfThenElse(hn::Lt(value, hn::Zero(d)), hn::Zero(d), value);
      if constexpr (kAdd) value = hn::Add(value, load(d, add.data + i * add.stride + c));
      store(d, value, y.data + i * y.stride + c);
    }
  });
}

template <class T>
void apply(Slab<const T> x, Affine<Compute<T>> norm, bool relu, Slab<const T> add, Slab<T> y,
           Pixels pixels) {
  if (relu) {
    add.data == nullptr ? apply_as<true, false>(x, norm, add, y, pixels)
                        : apply_as<true, true>(x, norm, add, y, pixels);
  } else {
    add.data == nullptr ? apply_as<false, false>(x, norm, add, y, pixels)
                        : apply_as<false, true>(x, norm, add, y, pixels);
  }
}

template <class T>
void copy(Slab<const T> x, Slab<T> y, Pixels pixels) {
  for (int64_t i = pixels.begin; i < pixels.end; ++i)
    std::copy_n(x.data + i * x.stride, x.channels, y.data + i * y.stride);
}

template <class T>
void apply_wide(Slab<const T> x, Affine<Compute<T>> norm, Compute<T>* y, Pixels pixels) {
  for_channels<Compute<T>>(0, x.channels, [&](auto d, int64_t c) HWY_ATTR {
    const Normed<decltype(d)> normed(d, norm, c);
    for (int64_t i = pixels.begin; i < pixels.end; ++i)
      hn::StoreU(normed(load(d, x.data + i * x.stride + c)), d,
                 y + (i - pixels.begin) * x.channels + c);
  });
}

template <bool kRelu, class T>
void backward_sums_as(Slab<const T> dy, Slab<const T> x, Affine<Compute<T>> norm, Pixels pixels,
                      double* sums_2C) {
  for_channels<Compute<T>>(0, x.channels, [&](auto d, int64_t c) HWY_ATTR {
    const Normed<decltype(d)> normed(d, norm, c);
    auto sum0 = hn::Zero(d), sum1 = sum0, product0 = sum0, product1 = sum0;
    const auto one = [&](int64_t i, auto& sum, auto& product) HWY_ATTR {
      const auto value = load(d, x.data + i * x.stride + c);
      auto gradient = load(d, dy.data + i * dy.stride + c);
      if constexpr (kRelu)
        gradient = hn::IfThenElseZero(hn::Gt(normed(value), hn::Zero(d)), gradient);
      sum = hn::Add(sum, gradient);
      product = hn::MulAdd(gradient, hn::Sub(value, normed.mean), product);
    };
    int64_t i = pixels.begin;
    for (; i + 2 <= pixels.end; i += 2) {
      one(i, sum0, product0);
      one(i + 1, sum1, product1);
    }
    if (i < pixels.end) one(i, sum0, product0);
    add_lanes(d, hn::Add(sum0, sum1), sums_2C + c);
    add_lanes(d, hn::Add(product0, product1), sums_2C + x.channels + c);
  });
}

template <class T>
void backward_sums(Slab<const T> dy, Slab<const T> x, Affine<Compute<T>> norm, bool relu,
                   Pixels pixels, double* sums_2C) {
  relu ? backward_sums_as<true>(dy, x, norm, pixels, sums_2C)
       : backward_sums_as<false>(dy, x, norm, pixels, sums_2C);
}

template <bool kRelu, class T>
void backward_apply_as(Slab<const T> dy, Slab<const T> x, Affine<Compute<T>> norm,
                       Backward<Compute<T>> back, Slab<const T> add, Slab<T> dx, Pixels pixels) {
  for_channels<Compute<T>>(0, x.channels, [&](auto d, int64_t c) HWY_ATTR {
    const Normed<decltype(d)> normed(d, norm, c);
    const auto of_gradient = hn::LoadU(d, back.of_gradient + c);
    const auto of_deviation = hn::LoadU(d, back.of_deviation + c);
    const auto constant = hn::LoadU(d, back.constant + c);
    for (int64_t i = pixels.begin; i < pixels.end; ++i) {
      const auto value = load(d, x.data + i * x.stride + c);
      auto gradient = load(d, dy.data + i * dy.stride + c);
      if constexpr (kRelu)
        gradient = hn::IfThenElseZero(hn::Gt(normed(value), hn::Zero(d)), gradient);
      auto result = hn::MulAdd(hn::Sub(value, normed.mean), of_deviation, constant);
      result = hn::MulAdd(gradient, of_gradient, result);
      if (add.data != nullptr) result = hn::Add(result, load(d, add.data + i * add.stride + c));
      store(d, result, dx.data + i * dx.stride + c);
    }
  });
}

template <class T>
void backward_apply(Slab<const T> dy, Slab<const T> x, Affine<Compute<T>> norm, bool relu,
                    Backward<Compute<T>> back, Slab<const T> add, Slab<T> dx, Pixels pixels) {
  relu ? backward_apply_as<true>(dy, x, norm, back, add, dx, pixels)
       : backward_apply_as<false>(dy, x, norm, back, add, dx, pixels);
}

}  // namespace HWY_NAMESPACE
}  // namespace spc
HWY_AFTER_NAMESPACE();
#endif
