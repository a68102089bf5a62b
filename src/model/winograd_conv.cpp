#include "model/winograd_conv.h"

#include <ATen/ATen.h>

#include "base/integers.h"
#include "kernels/winograd_kernels.h"
#include "linalg/product.h"
#include "model/channels_last.h"
#include "model/map_access.h"

namespace spc {
namespace {

// Of the factors of a block of tiles; products take as much again. They stay in the cache between
// the passes and the matrix products.
constexpr int64_t kBlockBytes = 1 << 20;
// Planes that lie a power of two apart would all compete for the same places in the cache.
constexpr int64_t kPlaneBytesApart = 192;
// Products are of a multiple of so many tiles, though the last block may end amid them: each number
// of tiles has a kernel of its own.
constexpr int64_t kTilesAtOnce = 16;

// A row of tiles: results [row, row + 4) of an utterance.
struct TileRow {
  int64_t begin;  // of the utterance
  int64_t frames;
  int64_t row;
};

std::vector<TileRow> rows_of_tiles(const PackedFrames& frames) {
  std::vector<TileRow> rows;
  rows.reserve(static_cast<size_t>(frames.total() / kWinogradTile) + frames.size());
  for (size_t i = 0; i < frames.size(); ++i)
    for (int64_t row = 0; row < frames.frames(i); row += kWinogradTile)
      rows.push_back({frames.begin(i), frames.frames(i), row});
  return rows;
}

// [36, tiles, channels], planes apart.
at::Tensor planes(int64_t tiles, int64_t channels, const at::TensorOptions& options) {
  const int64_t plane =
      tiles * channels + kPlaneBytesApart / static_cast<int64_t>(options.dtype().itemsize());
  return at::empty({kWinogradProducts * plane}, options)
      .as_strided({kWinogradProducts, tiles, channels}, {plane, channels, 1});
}

}  // namespace

at::Tensor winograd_weight(const at::Tensor& weight) {
  std::vector<double> matrix;
  matrix.reserve(kWinogradInputs * 3);
  for (const auto& row : winograd_weight_matrix())
    matrix.insert(matrix.end(), row.begin(), row.end());
  const at::Tensor g = at::tensor(matrix, at::kDouble).view({kWinogradInputs, 3});
  // [out, in, 3, 3] -> [6, 6, in, out]
  const at::Tensor both = at::matmul(at::matmul(g, weight), g.t());
  return both.permute({2, 3, 1, 0}).flatten(0, 1).contiguous();
}

at::Tensor winograd_conv(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias,
                         const PackedFrames& frames) {
  const int64_t inputs = weight.size(1);
  const int64_t outputs = weight.size(2);
  SPC_ASSERT(x.size(0) == 1 && x.size(1) == inputs && x.size(2) == frames.total() &&
                 x.scalar_type() == weight.scalar_type(),
             "a packed map of these frames and channels");
  at::Tensor y = empty_map(x, outputs);
  const int64_t bins = x.size(3);
  const int64_t across = ceil_divided(bins, kWinogradTile);
  const std::vector<TileRow> rows = rows_of_tiles(frames);
  const int64_t tiles = static_cast<int64_t>(rows.size()) * across;
  const int64_t in_block = std::clamp<int64_t>(
      rounded_up(
          kBlockBytes / (kWinogradProducts * inputs * static_cast<int64_t>(x.element_size())),
          kTilesAtOnce),
      kTilesAtOnce, rounded_up(tiles, kTilesAtOnce));
  const auto run = [&](auto tag) {
    using T = decltype(tag);
    const WinogradKernels<T>& kernels = winograd_kernels<T>();
    const T* from = map_data<T>(x);
    T* to = map_data<T>(y);
    const T* shift = bias.const_data_ptr<T>();
    const T* matrices = weight.const_data_ptr<T>();
    const int64_t blocks = ceil_divided(tiles, in_block);
    at::parallel_for(0, blocks, 1, [&](int64_t begin, int64_t end) {
      // Zeros, so that what is multiplied behind the last tile are numbers.
      const at::Tensor factors = planes(in_block, inputs, x.options()).zero_();
      const at::Tensor products = planes(in_block, outputs, x.options());
      T* v = factors.mutable_data_ptr<T>();
      T* m = products.mutable_data_ptr<T>();
      // body(tile i of the block, its utterance's first pixel)
      const auto over_tiles = [&](int64_t first, int64_t count, int64_t channels, auto body) {
        for (int64_t i = 0; i < count; ++i) {
          const TileRow& row = rows[static_cast<size_t>((first + i) / across)];
          body(i,
               WinogradTile{row.frames, bins, channels, row.row,
                            (first + i) % across * kWinogradTile},
               row.begin * bins * channels);
        }
      };
      for (int64_t block = begin; block < end; ++block) {
        const int64_t first = block * in_block;
        const int64_t count = std::min(in_block, tiles - first);
        over_tiles(first, count, inputs, [&](int64_t i, const WinogradTile& tile, int64_t utt) {
          kernels.input(from + utt, tile, factors.stride(0), v + i * inputs);
        });
        const Product product{
            rounded_up(count, kTilesAtOnce), outputs, inputs, inputs, outputs, outputs};
        for (int64_t i = 0; i < kWinogradProducts; ++i)
          multiply(product, v + i * factors.stride(0), matrices + i * inputs * outputs,
                   m + i * products.stride(0));
        over_tiles(first, count, outputs, [&](int64_t i, const WinogradTile& tile, int64_t utt) {
          kernels.output(m + i * outputs, products.stride(0), shift, tile, to + utt);
        });
      }
    });
  };
  x.scalar_type() == at::kDouble ? run(double{}) : run(float{});
  return y;
}

}  // namespace spc
