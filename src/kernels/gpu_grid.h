// What the passes of a GPU are written in: the work of one thread as a function of its place in a
// grid, which a plain compiler takes as well, so that tests run the very same functions on a CPU.
#pragma once

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>

#include "kernels/maps.h"

#ifdef __CUDACC__
#define SPC_HOST_DEVICE __host__ __device__
#else
#define SPC_HOST_DEVICE
#endif

namespace spc {

/// Threads of a pass: neighbouring ones are neighbouring channels, whose numbers lie side by side;
/// the rows share the pixels among each other, row r takes r, r + rows, and so on.
struct Grid {
  int64_t channels = 0;
  int64_t rows = 0;
};
struct GridThread {
  Grid grid;
  int64_t channel = 0;
  int64_t row = 0;
};

template <class F>
SPC_HOST_DEVICE F from_storage(F stored) {
  return stored;
}
SPC_HOST_DEVICE inline float from_storage(Bf16 stored) {
  return std::bit_cast<float>(static_cast<uint32_t>(stored.bits) << 16);
}
template <class F>
SPC_HOST_DEVICE void to_storage(F value, F& to) {
  to = value;
}
// To nearest even; a NaN stays one.
SPC_HOST_DEVICE inline void to_storage(float value, Bf16& to) {
  const auto bits = std::bit_cast<uint32_t>(value);
  const uint32_t rounded = (bits + 0x7FFFU + ((bits >> 16) & 1U)) >> 16;
  to.bits = static_cast<uint16_t>(value == value ? rounded : 0x7FC0U);
}

/// One channel of a map: that of pixel i is data[i * stride]. Numbers are taken and given in the
/// type of computation.
template <class T>
struct Column {
  T* data = nullptr;
  int64_t stride = 0;
  [[nodiscard]] SPC_HOST_DEVICE auto number(int64_t i) const {
    return from_storage(data[i * stride]);
  }
  template <class F>
  SPC_HOST_DEVICE void put(int64_t i, F value) const {
    to_storage(value, data[i * stride]);
  }
};

inline constexpr int kMaxParts = 3;

/// A map in parts: the first slab's channels, then the next one's. Without data: not there.
template <class T>
struct SlabList {
  Slab<T> slabs[kMaxParts];
  // Without a loop, so that a GPU need not copy the list to index it.
  [[nodiscard]] SPC_HOST_DEVICE Column<T> column(int64_t channel) const {
    if (channel < slabs[0].channels) return from(slabs[0], channel);
    channel -= slabs[0].channels;
    if (channel < slabs[1].channels) return from(slabs[1], channel);
    return from(slabs[2], channel - slabs[1].channels);
  }

 private:
  SPC_HOST_DEVICE static Column<T> from(const Slab<T>& slab, int64_t channel) {
    return {slab.data == nullptr ? nullptr : slab.data + channel, slab.stride};
  }
};

/// Sums of every row of threads, [rows, 2, channels].
struct PartialSums {
  double* data = nullptr;
  SPC_HOST_DEVICE void put(const GridThread& at, double first, double second) const {
    double* to = data + 2 * at.row * at.grid.channels + at.channel;
    to[0] = first;
    to[at.grid.channels] = second;
  }
};

/// Rows of sums, added up by groups of kSumsAtOnce neighbouring ones, always in the same order.
/// Grid: columns of the sums, groups.
struct AddSums {
  static constexpr int64_t kSumsAtOnce = 128;
  const double* from = nullptr;  // [rows, columns]
  int64_t rows = 0;
  double* to = nullptr;  // [groups, columns]
  SPC_HOST_DEVICE void operator()(const GridThread& at) const {
    const int64_t begin = at.row * kSumsAtOnce;
    const int64_t end = begin + kSumsAtOnce < rows ? begin + kSumsAtOnce : rows;
    double sum = 0;
    for (int64_t i = begin; i < end; ++i) sum += from[i * at.grid.channels + at.channel];
    to[at.row * at.grid.channels + at.channel] = sum;
  }
};

/// The grid for `items` (pixels, windows) of each channel: enough threads to fill a large GPU, of
/// which each has `most` items at most, and no fewer than `least` where there are as many. Follows
/// from the sizes alone, so that sums come out the same on any GPU.
inline Grid grid_of(int64_t channels, int64_t items, int64_t least, int64_t most) {
  constexpr int64_t kThreads = 1 << 18;
  const auto groups = [&](int64_t size) { return (items + size - 1) / size; };
  const int64_t filling = (kThreads + channels - 1) / channels;
  return {channels, std::max(groups(most), std::min(groups(least), filling))};
}

}  // namespace spc
