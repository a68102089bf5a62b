// The gate z = norm3(c3) * sigmoid(x1 + up(norm2(c2))), the averages and their gradients, a
// thread's work each: windows r, r + rows, and so on, of one channel. Maps are dense.
#pragma once

#include "kernels/gpu_norm.h"
#include "kernels/gpu_windows.h"

namespace spc {

template <class F>
SPC_HOST_DEVICE F sigmoid(F x) {
  return 1 / (1 + std::exp(-x));
}

/// What the gate takes.
template <class T>
struct GateMaps {
  const T* x1 = nullptr;  // null: not inside the sigmoid
  const T* c3 = nullptr;
  Affine<double> norm3;
  const T* c2 = nullptr;  // small
  Affine<double> norm2;
};

template <class T>
struct OpenGate {
  GateMaps<T> in;
  GpuWindows windows;
  T* z = nullptr;
  SPC_HOST_DEVICE void operator()(const GridThread& at) const {
    using F = Compute<T>;
    const ChannelOfNorm<F> normed3(in.norm3, at.channel);
    const ChannelOfNorm<F> normed2(in.norm2, at.channel);
    for (int64_t small = at.row; small < windows.count(); small += at.grid.rows) {
      const F up = normed2(from_storage(in.c2[small * at.grid.channels + at.channel]));
      windows.for_pixels_of(windows.nearest(small), [&](int64_t pixel) {
        const int64_t i = pixel * at.grid.channels + at.channel;
        const F inside = in.x1 == nullptr ? up : up + from_storage(in.x1[i]);
        to_storage(normed3(from_storage(in.c3[i])) * sigmoid(inside), z[i]);
      });
    }
  }
};

/// Of dz: g3 = dz * sigmoid, the gradient of norm3(c3); dx1, that inside the sigmoid (if x1 is
/// there); of_norm2, the sum of that over what up-sampling gave a pixel to. Sums of g3 and of g3 *
/// (c3 - mean3). g3 may be dz.
template <class T>
struct GateGradient {
  GateMaps<T> in;
  GpuWindows windows;
  const T* dz = nullptr;
  T* g3 = nullptr;
  T* dx1 = nullptr;
  T* of_norm2 = nullptr;  // small
  PartialSums sums3;
  SPC_HOST_DEVICE void operator()(const GridThread& at) const {
    using F = Compute<T>;
    const ChannelOfNorm<F> normed3(in.norm3, at.channel);
    const ChannelOfNorm<F> normed2(in.norm2, at.channel);
    double sum = 0;
    double product = 0;
    for (int64_t small = at.row; small < windows.count(); small += at.grid.rows) {
      const int64_t to = small * at.grid.channels + at.channel;
      const F up = normed2(from_storage(in.c2[to]));
      F of_up = 0;
      F of_window = 0;
      F product_of_window = 0;
      windows.for_pixels_of(windows.nearest(small), [&](int64_t pixel) {
        const int64_t i = pixel * at.grid.channels + at.channel;
        const F open = sigmoid(in.x1 == nullptr ? up : up + from_storage(in.x1[i]));
        const F value = from_storage(in.c3[i]);
        const F of_value = from_storage(dz[i]) * open;
        // d sigmoid = open (1 - open)
        const F of_inside = normed3(value) * std::fma(-of_value, open, of_value);
        to_storage(of_value, g3[i]);
        if (in.x1 != nullptr) to_storage(of_inside, dx1[i]);
        of_up += of_inside;
        of_window += of_value;
        product_of_window = std::fma(of_value, value - normed3.mean, product_of_window);
      });
      to_storage(of_up, of_norm2[to]);
      sum += static_cast<double>(of_window);
      product += static_cast<double>(product_of_window);
    }
    sums3.put(at, sum, product + sum * normed3.rest);
  }
};

/// Averages of the windows.
template <class T>
struct AverageWindows {
  const T* x = nullptr;
  GpuWindows windows;
  T* average = nullptr;  // small
  SPC_HOST_DEVICE void operator()(const GridThread& at) const {
    using F = Compute<T>;
    for (int64_t small = at.row; small < windows.count(); small += at.grid.rows) {
      F sum = 0;
      F count = 0;
      windows.for_pixels_of(windows.averaged(small), [&](int64_t pixel) {
        sum += from_storage(x[pixel * at.grid.channels + at.channel]);
        count += 1;
      });
      to_storage(sum / count, average[small * at.grid.channels + at.channel]);
    }
  }
};

/// y = base + a + b + each pixel's share of its window's gradient; those that are null are left
/// out. y may be a or b.
template <class T>
struct MergeGradients {
  Slab<const T> base;  // of a map that may be wider
  const T* a = nullptr;
  const T* b = nullptr;
  const T* of_average = nullptr;  // small
  GpuWindows windows;
  T* y = nullptr;
  SPC_HOST_DEVICE void operator()(const GridThread& at) const {
    using F = Compute<T>;
    for (int64_t small = at.row; small < windows.count(); small += at.grid.rows) {
      const Window window = windows.averaged(small);
      const int32_t pixels =
          (window.end_bin - window.first_bin) * (window.end_frame - window.first_frame);
      const F share = of_average == nullptr
                          ? F{0}
                          : from_storage(of_average[small * at.grid.channels + at.channel]) *
                                (1 / static_cast<F>(pixels));
      windows.for_pixels_of(window, [&](int64_t pixel) {
        const int64_t i = pixel * at.grid.channels + at.channel;
        F sum = from_storage(base.data[pixel * base.stride + at.channel]);
        if (a != nullptr) sum += from_storage(a[i]);
        if (b != nullptr) sum += from_storage(b[i]);
        if (of_average != nullptr) sum += share;
        to_storage(sum, y[i]);
      });
    }
  }
};

}  // namespace spc
