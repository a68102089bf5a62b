// Convolutions of 3 x 3 by Winograd's F(4 x 4, 3 x 3): 36 products for each tile of 4 x 4 results,
// where 144 are made one by one. These are the passes before and behind the products, over maps
// whose channels are last.
// Source: Lavin, Gray, "Fast Algorithms for Convolutional Neural Networks", CVPR 2016. The points
// are 0, +-3/4, +-3/2 and infinity: with them roundings in single precision are about twice those
// of the direct sum, with the usual 0, +-1, +-2 five times.
#pragma once

#include <array>
#include <cstdint>

namespace spc {

inline constexpr int64_t kWinogradTile = 4;       // results in each direction
inline constexpr int64_t kWinogradInputs = 6;     // of which each depends on
inline constexpr int64_t kWinogradProducts = 36;  // of each tile
inline constexpr double kWinogradNear = 0.75;     // the points
inline constexpr double kWinogradFar = 1.5;

/// A tile of a map [rows, columns, channels], by its first result. Results beyond the map are not
/// there, inputs beyond it are zero.
struct WinogradTile {
  int64_t rows = 0;
  int64_t columns = 0;
  int64_t channels = 0;
  int64_t row = 0;
  int64_t column = 0;
};

template <class T>
struct WinogradKernels {
  /// v[k * plane + c]: the k-th factor of channel c, of the 6 x 6 inputs around the tile's results.
  /// @param x  the whole map
  void (*input)(const T* x, WinogradTile tile, int64_t plane, T* v);
  /// The tile's results from its products m[k * plane + c], plus bias[c]. @param y  the whole map
  void (*output)(const T* m, int64_t plane, const T* bias, WinogradTile tile, T* y);
};

/// For T = float, double.
template <class T>
const WinogradKernels<T>& winograd_kernels();

/// What a kernel's three weights in one direction become. @returns [6][3]
constexpr std::array<std::array<double, 3>, 6> winograd_weight_matrix() {
  constexpr double a = kWinogradNear;
  constexpr double b = kWinogradFar;
  constexpr double of_zero = a * a * b * b;
  constexpr double of_near = 2 * a * a * (a * a - b * b);
  constexpr double of_far = 2 * b * b * (b * b - a * a);
  return {{{1 / of_zero, 0, 0},
           {1 / of_near, a / of_near, a * a / of_near},
           {1 / of_near, -a / of_near, a * a / of_near},
           {1 / of_far, b / of_far, b * b / of_far},
           {1 / of_far, -b / of_far, b * b / of_far},
           {0, 0, 1}}};
}

}  // namespace spc
