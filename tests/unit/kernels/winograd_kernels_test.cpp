#include "kernels/winograd_kernels.h"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "unit/kernels/stored_numbers.h"

namespace spc {
namespace {

constexpr int64_t kRows = 9;  // tiles of 4, 4 and 1
constexpr int64_t kColumns = 6;
constexpr double kWeights[3][3] = {{0.3, -1.2, 0.5}, {0.7, 0.9, -0.4}, {-0.6, 0.2, 1.1}};

template <class T>
class WinogradKernelsTest : public testing::Test {
 protected:
  // Every channel by the same nine weights: its products are factors times transformed weights.
  static std::vector<T> by_products(const std::vector<T>& x, const std::vector<T>& bias,
                                    int64_t channels) {
    const auto g = winograd_weight_matrix();
    std::vector<T> y(x.size(), T{-100});
    const int64_t plane = channels + 3;
    std::vector<T> v(static_cast<size_t>(kWinogradProducts * plane));
    for (int64_t row = 0; row < kRows; row += kWinogradTile)
      for (int64_t column = 0; column < kColumns; column += kWinogradTile) {
        const WinogradTile tile{kRows, kColumns, channels, row, column};
        winograd_kernels<T>().input(x.data(), tile, plane, v.data());
        for (size_t k = 0; k < kWinogradProducts; ++k) {
          double weight = 0;
          for (size_t i = 0; i < 3; ++i)
            for (size_t j = 0; j < 3; ++j) weight += g[k / 6][i] * kWeights[i][j] * g[k % 6][j];
          for (size_t c = 0; c < static_cast<size_t>(channels); ++c)
            v[k * static_cast<size_t>(plane) + c] *= static_cast<T>(weight);
        }
        winograd_kernels<T>().output(v.data(), plane, bias.data(), tile, y.data());
      }
    return y;
  }
};
using WinogradTypes = testing::Types<float, double>;
TYPED_TEST_SUITE(WinogradKernelsTest, WinogradTypes);

TYPED_TEST(WinogradKernelsTest, ProductsMakeTheConvolution) {
  using T = TypeParam;
  on_every_processor([&] {
    for (const int64_t channels : {1, 3, 4, 12, 16, 33}) {
      std::vector<T> x(static_cast<size_t>(kRows * kColumns * channels));
      for (size_t i = 0; i < x.size(); ++i)
        x[i] = static_cast<T>(std::sin(1.37 * static_cast<double>(i)));
      std::vector<T> bias(static_cast<size_t>(channels));
      for (size_t c = 0; c < bias.size(); ++c)
        bias[c] = static_cast<T>(0.1 * static_cast<double>(c));
      const std::vector<T> y = TestFixture::by_products(x, bias, channels);
      const auto at = [&](int64_t row, int64_t column, int64_t c) {
        const bool inside = row >= 0 && row < kRows && column >= 0 && column < kColumns;
        return inside ? double{x[static_cast<size_t>((row * kColumns + column) * channels + c)]}
                      : 0;
      };
      for (int64_t row = 0; row < kRows; ++row)
        for (int64_t column = 0; column < kColumns; ++column)
          for (int64_t c = 0; c < channels; ++c) {
            double expected = bias[static_cast<size_t>(c)];
            for (int64_t i = 0; i < 3; ++i)
              for (int64_t j = 0; j < 3; ++j)
                expected += kWeights[i][j] * at(row + i - 1, column + j - 1, c);
            EXPECT_NEAR(y[static_cast<size_t>((row * kColumns + column) * channels + c)], expected,
                        sizeof(T) == 4 ? 1e-5 : 1e-13);
          }
    }
  });
}

}  // namespace
}  // namespace spc
