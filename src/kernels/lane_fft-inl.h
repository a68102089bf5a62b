// Fourier transforms of as many real sequences as a vector has lanes, each in a lane of its own.
// Compiled once for each processor (Highway's foreach_target).
#if defined(SPC_KERNELS_LANE_FFT_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef SPC_KERNELS_LANE_FFT_INL_H
#undef SPC_KERNELS_LANE_FFT_INL_H
#else
#define SPC_KERNELS_LANE_FFT_INL_H
#endif

#include "kernels/lanes-inl.h"
#include "kernels/real_fft.h"

HWY_BEFORE_NAMESPACE();
namespace spc {
namespace HWY_NAMESPACE {

// A complex number in every lane.
template <class D>
struct Complex {
  Vector<D> re;
  Vector<D> im;
};

template <class D>
HWY_INLINE Complex<D> load_complex(D d, const float* from) {
  return {hn::Load(d, from), hn::Load(d, from + hn::Lanes(d))};
}
template <class D>
HWY_INLINE void store_complex(D d, const Complex<D>& value, float* to) {
  hn::Store(value.re, d, to);
  hn::Store(value.im, d, to + hn::Lanes(d));
}
template <class D>
HWY_INLINE Complex<D> set_complex(D d, const float* from) {
  return {hn::Set(d, from[0]), hn::Set(d, from[1])};
}
template <class D>
HWY_INLINE Complex<D> add(D /*d*/, const Complex<D>& a, const Complex<D>& b) {
  return {hn::Add(a.re, b.re), hn::Add(a.im, b.im)};
}
template <class D>
HWY_INLINE Complex<D> subtract(D /*d*/, const Complex<D>& a, const Complex<D>& b) {
  return {hn::Sub(a.re, b.re), hn::Sub(a.im, b.im)};
}
// Each product rounded, not fused: what comes out is what kissfft and with it kaldi-native-fbank
// make of the same numbers, on every processor.
template <class D>
HWY_INLINE Complex<D> multiply(D /*d*/, const Complex<D>& a, const Complex<D>& b) {
  return {hn::Sub(hn::Mul(a.re, b.re), hn::Mul(a.im, b.im)),
          hn::Add(hn::Mul(a.re, b.im), hn::Mul(a.im, b.re))};
}
template <class D>
HWY_INLINE Vector<D> squared(D /*d*/, const Complex<D>& a) {
  return hn::Add(hn::Mul(a.re, a.re), hn::Mul(a.im, a.im));
}

template <class D>
HWY_INLINE void step_by_two(D d, size_t count, float* z) {
  const size_t number = 2 * hn::Lanes(d);
  for (float* x = z; x < z + count * number; x += 2 * number) {
    const Complex<D> x0 = load_complex(d, x);
    const Complex<D> x1 = load_complex(d, x + number);
    store_complex(d, add(d, x0, x1), x);
    store_complex(d, subtract(d, x0, x1), x + number);
  }
}

// Four neighbouring transforms become one of n numbers: y_(j + p n / 4) = sum over m of
// (-i)^(p m) w^(m j) x_m_j. Blocks of four have w = 1 alone.
template <bool kTurned, class D>
HWY_INLINE void step_by_four(D d, const float* turns, size_t count, size_t n, float* z) {
  const size_t number = 2 * hn::Lanes(d);
  const size_t quarter = n / 4 * number;
  for (size_t j = 0; j < n / 4; ++j) {
    Complex<D> w1, w2, w3;
    if constexpr (kTurned) {
      w1 = set_complex(d, turns + 6 * j);
      w2 = set_complex(d, turns + 6 * j + 2);
      w3 = set_complex(d, turns + 6 * j + 4);
    }
    for (size_t block = 0; block < count; block += n) {
      float* x = z + (block + j) * number;
      const Complex<D> x0 = load_complex(d, x);
      Complex<D> x1 = load_complex(d, x + quarter);
      Complex<D> x2 = load_complex(d, x + 2 * quarter);
      Complex<D> x3 = load_complex(d, x + 3 * quarter);
      if constexpr (kTurned) {
        x1 = multiply(d, x1, w1);
        x2 = multiply(d, x2, w2);
        x3 = multiply(d, x3, w3);
      }
      const Complex<D> even = add(d, x0, x2);
      const Complex<D> even_difference = subtract(d, x0, x2);
      const Complex<D> odd = add(d, x1, x3);
      const Complex<D> odd_difference = subtract(d, x1, x3);
      store_complex(d, add(d, even, odd), x);
      store_complex(d, subtract(d, even, odd), x + 2 * quarter);
      // Times -i.
      hn::Store(hn::Add(even_difference.re, odd_difference.im), d, x + quarter);
      hn::Store(hn::Sub(even_difference.im, odd_difference.re), d, x + quarter + hn::Lanes(d));
      hn::Store(hn::Sub(even_difference.re, odd_difference.im), d, x + 3 * quarter);
      hn::Store(hn::Add(even_difference.im, odd_difference.re), d, x + 3 * quarter + hn::Lanes(d));
    }
  }
}

// The complex transform of [N / 2, 2, lanes], in place, from numbers at their places.
template <class D>
void complex_transform(D d, const RealFft& fft, float* z) {
  const size_t count = fft.size / 2;
  const float* turns = fft.turns.data();
  size_t n = 4;  // numbers of a transform behind the next step
  if (fft.by_two) {
    step_by_two(d, count, z);
    n = 8;
  } else if (count >= 4) {
    step_by_four<false>(d, turns, count, n, z);
    n = 16;
  }
  for (; n <= count; turns += n / 4 * 6, n *= 4) step_by_four<true>(d, turns, count, n, z);
}

// |X_k|^2 of the real transform, k = 0 .. N / 2 - 1 (without the line at Nyquist), of numbers at
// their places, which are lost. @param numbers  [N / 2, 2, lanes]   @param power  [N / 2, lanes]
template <class D>
void power_spectrum(D d, const RealFft& fft, float* numbers, float* power) {
  complex_transform(d, fft, numbers);
  const size_t lanes = hn::Lanes(d);
  const size_t half = fft.size / 2;
  const auto line = [&](size_t k) HWY_ATTR { return load_complex(d, numbers + k * 2 * lanes); };
  const Complex<D> sums = line(0);
  const auto constant = hn::Add(sums.re, sums.im);
  hn::Store(hn::Mul(constant, constant), d, power);
  const auto quarter = hn::Set(d, 0.25F);  // what follows is of 2 X
  for (size_t k = 1; 2 * k < half; ++k) {
    const Complex<D> a = line(k);
    const Complex<D> b = line(half - k);
    // The transforms of the even samples and of the odd ones.
    const Complex<D> even = {hn::Add(a.re, b.re), hn::Sub(a.im, b.im)};
    const Complex<D> odd = {hn::Add(a.im, b.im), hn::Sub(b.re, a.re)};
    const Complex<D> turned = multiply(d, odd, set_complex(d, &fft.splits[2 * k]));
    hn::Store(hn::Mul(quarter, squared(d, add(d, even, turned))), d, power + k * lanes);
    hn::Store(hn::Mul(quarter, squared(d, subtract(d, even, turned))), d,
              power + (half - k) * lanes);
  }
  if (half >= 2) hn::Store(squared(d, line(half / 2)), d, power + half / 2 * lanes);
}

}  // namespace HWY_NAMESPACE
}  // namespace spc
HWY_AFTER_NAMESPACE();
#endif
