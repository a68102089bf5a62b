// From tensors to what the kernels take. For the files of this room that call kernels.
#pragma once

#include <ATen/ATen.h>
#include <ATen/Parallel.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <vector>

#include "base/error.h"
#include "kernels/map_kernels.h"

namespace spc {

/// body(a number of the type in which elements are stored)
template <class Body>
void with_stored_type(const at::Tensor& map, Body body) {
  switch (map.scalar_type()) {
    case at::kBFloat16:
      return body(Bf16{});
    case at::kFloat:
      return body(float{});
    case at::kDouble:
      return body(double{});
    default:
      throw Error("fused kernels take float32, float64 and bfloat16 only");
  }
}

template <class T>
T* map_data(const at::Tensor& map) {
  SPC_ASSERT(map.is_cpu() && map.is_contiguous(at::MemoryFormat::ChannelsLast),
             "a map's channels must be last");
  return static_cast<T*>(map.data_ptr());
}

/// Whether the channels of each pixel lie side by side, and pixels at equal distances: a map whose
/// channels are last, or some neighbouring channels of one.
inline bool is_slab(const at::Tensor& map) {
  if (map.size(1) > 1 && map.stride(1) != 1) return false;
  int64_t distance = 0;  // between neighbours along a dimension, as it must be
  for (const int64_t dimension : {3, 2, 0}) {
    if (map.size(dimension) == 1) continue;
    if (distance != 0 && map.stride(dimension) != distance) return false;
    distance = map.stride(dimension) * map.size(dimension);
  }
  return true;
}

/// Of a slab: from one pixel to the next.
inline int64_t pixel_distance(const at::Tensor& map) {
  int64_t distance = map.size(1);
  for (const int64_t dimension : {0, 2, 3})
    if (map.size(dimension) > 1) distance = map.stride(dimension);
  return distance;
}

template <class T>
Slab<T> slab_of(const at::Tensor& map) {
  SPC_ASSERT(map.is_cpu() && is_slab(map), "a map's channels must be last");
  return {static_cast<T*>(map.data_ptr()), map.size(1), pixel_distance(map)};
}

/// Numbers of channels in the type of computation.
template <class F>
std::vector<F> to_numbers(const at::Tensor& values) {
  const at::Tensor wide = values.to(at::kDouble).contiguous();
  const auto* from = wide.const_data_ptr<double>();
  std::vector<F> numbers(static_cast<size_t>(wide.numel()));
  std::transform(from, from + wide.numel(), numbers.begin(),
                 [](double value) { return static_cast<F>(value); });
  return numbers;
}

/// Calls body(share, sums) for fixed shares of the work, each with sums of its own, and adds these
/// up in order: the same result for any number of threads.
/// @param sums  [width] float64, added to
template <class Body>
void in_shares(int64_t width, double* sums, Body body) {
  constexpr int64_t kShares = 48;  // 2, 3, 4, 6, 8, 12, 16 threads get the same number of them
  std::vector<double> all(static_cast<size_t>(kShares * width));
  at::parallel_for(0, kShares, 1, [&](int64_t begin, int64_t end) {
    for (int64_t share = begin; share < end; ++share)
      body(share, kShares, all.data() + share * width);
  });
  for (int64_t share = 0; share < kShares; ++share)
    for (int64_t i = 0; i < width; ++i) sums[i] += all[static_cast<size_t>(share * width + i)];
}

}  // namespace spc
