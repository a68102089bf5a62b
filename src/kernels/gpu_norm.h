// Sums over pixels and what is done to each channel alike, a thread's work each. What they compute
// says map_kernels.h; here maps may lie in parts, and numbers of channels are given in double.
#pragma once

#include "kernels/gpu_grid.h"

namespace spc {

/// A channel's (x - mean) * scale + bias in the type of computation. What rounding the mean leaves
/// is put right in double.
template <class F>
struct ChannelOfNorm {
  F mean;
  F scale;
  F bias;
  double rest;  // the mean that is subtracted, less the mean
  SPC_HOST_DEVICE ChannelOfNorm(const Affine<double>& norm, int64_t channel)
      : mean(static_cast<F>(norm.mean[channel])),
        scale(static_cast<F>(norm.scale[channel])),
        rest(static_cast<double>(mean) - norm.mean[channel]) {
    bias = static_cast<F>(norm.bias[channel] + rest * norm.scale[channel]);
  }
  [[nodiscard]] SPC_HOST_DEVICE F operator()(F x) const { return std::fma(x - mean, scale, bias); }
};

/// A row's pixels, some at once: what is loaded for all of them is on its way together.
/// @param load  of a pixel   @param use  of a pixel and what was loaded
template <class Load, class Use>
SPC_HOST_DEVICE void for_pixels(const GridThread& at, int64_t pixels, Load load, Use use) {
  constexpr int kAtOnce = 4;
  for (int64_t begin = at.row; begin < pixels; begin += kAtOnce * at.grid.rows) {
    decltype(load(begin)) loaded[kAtOnce] = {};
    for (int k = 0; k < kAtOnce; ++k) {
      const int64_t i = begin + k * at.grid.rows;
      if (i < pixels) loaded[k] = load(i);
    }
    for (int k = 0; k < kAtOnce; ++k) {
      const int64_t i = begin + k * at.grid.rows;
      if (i < pixels) use(i, loaded[k]);
    }
  }
}

/// Sums of x and x^2. Deviations from the row's first pixel, so that squares do not cancel.
template <class T>
struct SumMap {
  SlabList<const T> x;
  int64_t pixels = 0;
  PartialSums to;
  SPC_HOST_DEVICE void operator()(const GridThread& at) const {
    using F = Compute<T>;
    const Column<const T> from = x.column(at.channel);
    const F pivot = from.number(at.row);
    F sum = 0;
    F squares = 0;
    int64_t count = 0;
    for_pixels(
        at, pixels, [&](int64_t i) { return from.number(i); },
        [&](int64_t, F value) {
          const F deviation = value - pivot;
          sum += deviation;
          squares = std::fma(deviation, deviation, squares);
          ++count;
        });
    const auto p = static_cast<double>(pivot);
    const auto deviations = static_cast<double>(sum);
    const double all = p * static_cast<double>(count);
    to.put(at, all + deviations, static_cast<double>(squares) + 2 * p * deviations + p * all);
  }
};

/// y = norm(x), then relu if asked for, then + add where it is there. y may be add.
template <class T>
struct ApplyNorm {
  SlabList<const T> x;
  Affine<double> norm;
  bool relu = false;
  SlabList<const T> add;
  SlabList<T> y;
  int64_t pixels = 0;
  SPC_HOST_DEVICE void operator()(const GridThread& at) const {
    using F = Compute<T>;
    struct Loaded {
      F x;
      F add;
    };
    const ChannelOfNorm<F> normed(norm, at.channel);
    const Column<const T> from = x.column(at.channel);
    const Column<const T> added = add.column(at.channel);
    const Column<T> result = y.column(at.channel);
    for_pixels(
        at, pixels,
        [&](int64_t i) {
          return Loaded{from.number(i), added.data == nullptr ? F{0} : added.number(i)};
        },
        [&](int64_t i, const Loaded& of) {
          F value = normed(of.x);
          if (relu && value < 0) value = 0;  // a NaN stays one
          if (added.data != nullptr) value += of.add;
          result.put(i, value);
        });
  }
};

/// With du = dy where norm(x) > 0 or relu is false, else 0: sums of du and of du * (x - mean).
template <class T>
struct SumGradient {
  SlabList<const T> dy;
  SlabList<const T> x;
  Affine<double> norm;
  bool relu = false;
  int64_t pixels = 0;
  PartialSums to;
  SPC_HOST_DEVICE void operator()(const GridThread& at) const {
    using F = Compute<T>;
    struct Loaded {
      F dy;
      F x;
    };
    const ChannelOfNorm<F> normed(norm, at.channel);
    const Column<const T> gradients = dy.column(at.channel);
    const Column<const T> from = x.column(at.channel);
    F sum = 0;
    F product = 0;
    for_pixels(
        at, pixels,
        [&](int64_t i) {
          return Loaded{gradients.number(i), from.number(i)};
        },
        [&](int64_t, const Loaded& of) {
          const F du = !relu || normed(of.x) > 0 ? of.dy : F{0};
          sum += du;
          product = std::fma(du, of.x - normed.mean, product);
        });
    const auto whole = static_cast<double>(sum);
    to.put(at, whole, static_cast<double>(product) + whole * normed.rest);
  }
};

/// dx = du * of_gradient + (x - mean) * of_deviation + constant, + add where it is there. dx may be
/// dy or add.
template <class T>
struct ApplyGradient {
  SlabList<const T> dy;
  SlabList<const T> x;
  Affine<double> norm;
  bool relu = false;
  Backward<double> back;
  SlabList<const T> add;
  SlabList<T> dx;
  int64_t pixels = 0;
  SPC_HOST_DEVICE void operator()(const GridThread& at) const {
    using F = Compute<T>;
    struct Loaded {
      F dy;
      F x;
      F add;
    };
    const ChannelOfNorm<F> normed(norm, at.channel);
    const auto of_gradient = static_cast<F>(back.of_gradient[at.channel]);
    const auto of_deviation = static_cast<F>(back.of_deviation[at.channel]);
    const auto constant =
        static_cast<F>(back.constant[at.channel] + normed.rest * back.of_deviation[at.channel]);
    const Column<const T> gradients = dy.column(at.channel);
    const Column<const T> from = x.column(at.channel);
    const Column<const T> added = add.column(at.channel);
    const Column<T> result = dx.column(at.channel);
    for_pixels(
        at, pixels,
        [&](int64_t i) {
          return Loaded{gradients.number(i), from.number(i),
                        added.data == nullptr ? F{0} : added.number(i)};
        },
        [&](int64_t i, const Loaded& of) {
          const F du = !relu || normed(of.x) > 0 ? of.dy : F{0};
          F value = std::fma(of.x - normed.mean, of_deviation, constant);
          value = std::fma(du, of_gradient, value);
          if (added.data != nullptr) value += of.add;
          result.put(i, value);
        });
  }
};

}  // namespace spc
