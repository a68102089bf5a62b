#include "dist/batch_norm_kernels.h"

#include <ATen/Parallel.h>
#include <c10/util/BFloat16.h>

#include <bit>
#include <type_traits>

#include "base/error.h"

// The loops are compiled for several processors and the best one is taken at start.
#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__) && \
    !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
#define SPC_CLONES __attribute__((target_clones("avx512f", "avx2", "default")))
#else
#define SPC_CLONES
#endif
#define SPC_INLINE __attribute__((always_inline)) inline

namespace spc {
namespace {

struct Bf16 {
  uint16_t bits;
};

SPC_INLINE float load(Bf16 value) {
  return std::bit_cast<float>(uint32_t{value.bits} << 16);
}
SPC_INLINE float load(float value) {
  return value;
}
SPC_INLINE double load(double value) {
  return value;
}
SPC_INLINE void store(float& target, float value) {
  target = value;
}
SPC_INLINE void store(double& target, double value) {
  target = value;
}
SPC_INLINE void store(
    Bf16& target,
    float value) {  // to nearest even; a NaN stays one because its payload's top bit is kept
  const uint32_t bits = std::bit_cast<uint32_t>(value);
  const uint32_t rounded = (bits + 0x7FFFu + (bits >> 16 & 1u)) >> 16;
  target.bits = static_cast<uint16_t>(value != value ? 0x7FC0u : rounded);
}

// One plane's mean first, then deviations from it: no cancellation however large the mean is beside
// the deviation.
template <class T, class F>
SPC_INLINE void plane_sums(const T* x, int64_t n, double& sum, double& squares) {
  F total = 0;
#pragma omp simd reduction(+ : total)
  for (int64_t i = 0; i < n; ++i) total += load(x[i]);
  const F mean = total / static_cast<F>(n);
  F deviation = 0;
  F deviation_squared = 0;
#pragma omp simd reduction(+ : deviation, deviation_squared)
  for (int64_t i = 0; i < n; ++i) {
    const F d = load(x[i]) - mean;
    deviation += d;
    deviation_squared += d * d;
  }
  const double exact_sum =
      static_cast<double>(mean) * static_cast<double>(n) + static_cast<double>(deviation);
  const double m = static_cast<double>(mean);
  sum += exact_sum;
  squares += static_cast<double>(deviation_squared) + 2 * m * static_cast<double>(deviation) +
             m * m * static_cast<double>(n);
}

template <class T, class F>
SPC_INLINE void plane_apply(const T* x, T* y, int64_t n, F mean, F scale, F shift) {
#pragma omp simd
  for (int64_t i = 0; i < n; ++i) store(y[i], (load(x[i]) - mean) * scale + shift);
}

template <class T, class F>
SPC_INLINE void plane_backward_sums(const T* dy, const T* x, int64_t n, F mean, double& sum,
                                    double& product) {
  F total = 0;
  F dot = 0;
#pragma omp simd reduction(+ : total, dot)
  for (int64_t i = 0; i < n; ++i) {
    const F g = load(dy[i]);
    total += g;
    dot += g * (load(x[i]) - mean);
  }
  sum += static_cast<double>(total);
  product += static_cast<double>(dot);
}

template <class T, class F>
SPC_INLINE void plane_backward_apply(const T* dy, const T* x, T* dx, int64_t n, F mean, F a, F b,
                                     F c) {
#pragma omp simd
  for (int64_t i = 0; i < n; ++i) store(dx[i], load(dy[i]) * a + (load(x[i]) - mean) * b + c);
}

// The planes subtract the mean rounded to F, which is exact near it; what the rounding left is put
// right here, in double.

#define SPC_PLANES(T, F)                                                                          \
  SPC_CLONES void sums_of(const T* x, int64_t n, double& s, double& q) {                          \
    plane_sums<T, F>(x, n, s, q);                                                                 \
  }                                                                                               \
  SPC_CLONES void apply_to(const T* x, T* y, int64_t n, double mean, double scale, double bias) { \
    const F m = static_cast<F>(mean);                                                             \
    plane_apply<T, F>(x, y, n, m, static_cast<F>(scale),                                          \
                      static_cast<F>(bias + (static_cast<double>(m) - mean) * scale));            \
  }                                                                                               \
  SPC_CLONES void backward_sums_of(const T* dy, const T* x, int64_t n, double mean, double& s,    \
                                   double& p) {                                                   \
    const F m = static_cast<F>(mean);                                                             \
    double sum = 0;                                                                               \
    double product = 0;                                                                           \
    plane_backward_sums<T, F>(dy, x, n, m, sum, product);                                         \
    s += sum;                                                                                     \
    p += product + (static_cast<double>(m) - mean) * sum;                                         \
  }                                                                                               \
  SPC_CLONES void backward_apply_to(const T* dy, const T* x, T* dx, int64_t n, double mean,       \
                                    double a, double b, double c) {                               \
    const F m = static_cast<F>(mean);                                                             \
    plane_backward_apply<T, F>(dy, x, dx, n, m, static_cast<F>(a), static_cast<F>(b),             \
                               static_cast<F>(c + (static_cast<double>(m) - mean) * b));          \
  }
SPC_PLANES(float, float)
SPC_PLANES(double, double)
SPC_PLANES(Bf16, float)
#undef SPC_PLANES

// Calls body(pointer type tag) for the tensor's element type.
template <class Body>
void dispatch(const at::Tensor& x, Body body) {
  SPC_ASSERT(x.is_contiguous() && x.dim() == 3 && x.device().is_cpu(),
             "batch norm kernels take contiguous [N, C, L] on the CPU");
  switch (x.scalar_type()) {
    case at::kFloat:
      return body(float{});
    case at::kDouble:
      return body(double{});
    case at::kBFloat16:
      return body(Bf16{});
    default:
      throw Error("batch norm takes float32, float64 and bfloat16 only");
  }
}

// body(c, first element of plane (n, c)) for every plane of a channel, channels spread over
// threads.
template <class Body>
void for_each_channel(const at::Tensor& x, Body body) {
  at::parallel_for(0, x.size(1), 1, [&](int64_t begin, int64_t end) {
    for (int64_t c = begin; c < end; ++c) body(c);
  });
}

template <class T>
const T* plane(const at::Tensor& x, int64_t n, int64_t c) {
  return static_cast<const T*>(x.const_data_ptr()) + (n * x.size(1) + c) * x.size(2);
}
template <class T>
T* mutable_plane(at::Tensor& x, int64_t n, int64_t c) {
  return static_cast<T*>(x.mutable_data_ptr()) + (n * x.size(1) + c) * x.size(2);
}

void batch_norm_sums(const at::Tensor& x_NCL, at::Tensor& sums_2C) {
  dispatch(x_NCL, [&](auto tag) {
    using T = decltype(tag);
    auto* sums = sums_2C.mutable_data_ptr<double>();
    const int64_t channels = x_NCL.size(1);
    for_each_channel(x_NCL, [&](int64_t c) {
      double sum = 0;
      double squares = 0;
      for (int64_t n = 0; n < x_NCL.size(0); ++n)
        sums_of(plane<T>(x_NCL, n, c), x_NCL.size(2), sum, squares);
      sums[c] = sum;
      sums[channels + c] = squares;
    });
  });
}

void batch_norm_apply(const at::Tensor& x_NCL, const at::Tensor& mean_C, const at::Tensor& scale_C,
                      const at::Tensor& bias_C, at::Tensor& y_NCL) {
  dispatch(x_NCL, [&](auto tag) {
    using T = decltype(tag);
    const auto* mean = mean_C.const_data_ptr<double>();
    const auto* scale = scale_C.const_data_ptr<double>();
    const auto* bias = bias_C.const_data_ptr<double>();
    for_each_channel(x_NCL, [&](int64_t c) {
      for (int64_t n = 0; n < x_NCL.size(0); ++n) {
        apply_to(plane<T>(x_NCL, n, c), mutable_plane<T>(y_NCL, n, c), x_NCL.size(2), mean[c],
                 scale[c], bias[c]);
      }
    });
  });
}

void batch_norm_backward_sums(const at::Tensor& dy_NCL, const at::Tensor& x_NCL,
                              const at::Tensor& mean_C, at::Tensor& sums_2C) {
  dispatch(x_NCL, [&](auto tag) {
    using T = decltype(tag);
    const auto* mean = mean_C.const_data_ptr<double>();
    auto* sums = sums_2C.mutable_data_ptr<double>();
    const int64_t channels = x_NCL.size(1);
    for_each_channel(x_NCL, [&](int64_t c) {
      double sum = 0;
      double product = 0;
      for (int64_t n = 0; n < x_NCL.size(0); ++n) {
        backward_sums_of(plane<T>(dy_NCL, n, c), plane<T>(x_NCL, n, c), x_NCL.size(2), mean[c], sum,
                         product);
      }
      sums[c] = sum;
      sums[channels + c] = product;
    });
  });
}

void batch_norm_backward_apply(const at::Tensor& dy_NCL, const at::Tensor& x_NCL,
                               const at::Tensor& mean_C, const at::Tensor& a_C,
                               const at::Tensor& b_C, const at::Tensor& c_C, at::Tensor& dx_NCL) {
  dispatch(x_NCL, [&](auto tag) {
    using T = decltype(tag);
    const auto* mean = mean_C.const_data_ptr<double>();
    const auto* a = a_C.const_data_ptr<double>();
    const auto* b = b_C.const_data_ptr<double>();
    const auto* constant = c_C.const_data_ptr<double>();
    for_each_channel(x_NCL, [&](int64_t c) {
      for (int64_t n = 0; n < x_NCL.size(0); ++n) {
        backward_apply_to(plane<T>(dy_NCL, n, c), plane<T>(x_NCL, n, c),
                          mutable_plane<T>(dx_NCL, n, c), x_NCL.size(2), mean[c], a[c], b[c],
                          constant[c]);
      }
    });
  });
}

}  // namespace

const BatchNormPasses kCpuBatchNorm{batch_norm_sums, batch_norm_apply, batch_norm_backward_sums,
                                    batch_norm_backward_apply};

}  // namespace spc
