// Maps of a network as they lie in memory when channels are last: [B, F, T, C], a pixel's channels
// side by side. Without LibTorch.
#pragma once

#include <cstdint>

namespace spc {

/// bfloat16: the upper half of a float32.
struct Bf16 {
  uint16_t bits;
};

/// In what numbers are computed that are stored as T.
template <class T>
struct ComputeType {
  using type = T;
};
template <>
struct ComputeType<Bf16> {
  using type = float;
};
template <class T>
using Compute = typename ComputeType<T>::type;

/// Some neighbouring channels of every pixel: those of pixel i begin at data + i * stride. A whole
/// map has stride = channels.
template <class T>
struct Slab {
  T* data = nullptr;
  int64_t channels = 0;
  int64_t stride = 0;
};
template <class T>
Slab(T*, int64_t, int64_t) -> Slab<T>;

/// Pixels [begin, end) of all that a call is given.
struct Pixels {
  int64_t begin = 0;
  int64_t end = 0;
};

/// (x - mean) * scale + bias for each channel.
template <class F>
struct Affine {
  const F* mean = nullptr;
  const F* scale = nullptr;
  const F* bias = nullptr;
};

/// dx = dy * of_gradient + (x - mean) * of_deviation + constant for each channel: the gradient of a
/// normalisation.
template <class F>
struct Backward {
  const F* of_gradient = nullptr;
  const F* of_deviation = nullptr;
  const F* constant = nullptr;
};

}  // namespace spc
