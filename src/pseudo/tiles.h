// Rows in tiles whose bounds do not depend on how the rows are shared out, so that every matrix
// product has the same shape, and gives the same bits, on any number of ranks and threads.
#pragma once

#include <ATen/Parallel.h>
#include <ATen/core/Tensor.h>

#include <algorithm>
#include <cstdint>

#include "base/integers.h"

namespace spc {

/// A rank's rows begin at a multiple of it among all rows.
inline constexpr int64_t kTileRows = 512;

/// While it lives, operations of this process are on one thread: LAPACK takes another way, with
/// other last bits, for every number of threads.
class OnOneThread {
 public:
  OnOneThread() { at::set_num_threads(1); }
  ~OnOneThread() { at::set_num_threads(threads_); }
  OnOneThread(const OnOneThread&) = delete;
  OnOneThread& operator=(const OnOneThread&) = delete;

 private:
  int threads_ = at::get_num_threads();
};

/// Calls `body(begin, end)` for every tile of `rows` [N, D]; on a CPU in threads, one tile a
/// thread, in which matrix products are computed by that thread alone.
template <class Body>
void for_each_tile(const at::Tensor& rows, const Body& body) {
  const int64_t count = rows.size(0);
  const int64_t tiles = ceil_divided(count, kTileRows);
  const auto run = [&](int64_t tile) {
    const int64_t begin = tile * kTileRows;
    if (begin < count) body(begin, std::min(begin + kTileRows, count));
  };
  if (!rows.is_cpu()) {
    for (int64_t tile = 0; tile < tiles; ++tile) run(tile);
    return;
  }
  // One more than there are: the loop over a single tile would not be a parallel one, and the
  // product inside would be computed by all threads.
  at::parallel_for(0, tiles + 1, 1, [&](int64_t first, int64_t last) {
    for (int64_t tile = first; tile < last; ++tile) run(tile);
  });
}

}  // namespace spc
