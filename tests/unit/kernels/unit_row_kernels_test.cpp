#include "kernels/unit_row_kernels.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include "unit/kernels/stored_numbers.h"

namespace spc {
namespace {

constexpr double kShortest = 1e-12;

template <class T>
class UnitRowKernelsTest : public testing::Test {};
TYPED_TEST_SUITE(UnitRowKernelsTest, StoredTypes);

// Two ordinary rows, one that is too short and one of zeros.
template <class F>
std::vector<F> rows_of(int64_t width) {
  std::vector<F> x(static_cast<size_t>(4 * width));
  for (size_t i = 0; i < x.size(); ++i) {
    const auto row = static_cast<int64_t>(i) / width;
    const double size = row == 0 ? 3 : row == 1 ? 0.01 : row == 2 ? 1e-14 : 0;
    x[i] = static_cast<F>(size * (std::sin(1.7 * static_cast<double>(i)) + 0.2));
  }
  return x;
}

TYPED_TEST(UnitRowKernelsTest, ForwardAndBackward) {
  using T = TypeParam;
  using F = Compute<T>;
  on_every_processor([] {
    for (const int64_t width : {1, 5, 16, 37, 256}) {
      SCOPED_TRACE(std::to_string(width) + " wide");
      const std::vector<F> x = rows_of<F>(width);
      std::vector<T> unit(x.size());
      std::vector<T> dunit(x.size());
      for (size_t i = 0; i < x.size(); ++i)
        dunit[i] = stored<T>(std::cos(0.9 * static_cast<double>(i)));
      std::vector<F> inverse(4);
      std::vector<F> dx(x.size());
      unit_row_kernels<T>().forward(x.data(), 4, width, static_cast<F>(kShortest), unit.data(),
                                    inverse.data());
      unit_row_kernels<T>().backward(x.data(), dunit.data(), 4, width, static_cast<F>(kShortest),
                                     inverse.data(), dx.data());
      for (int64_t row = 0; row < 4; ++row) {
        double squares = 0;
        double along = 0;
        for (int64_t i = row * width; i < (row + 1) * width; ++i) {
          const auto at = static_cast<size_t>(i);
          squares += number(x[at]) * number(x[at]);
          along += number(x[at]) * number(dunit[at]);
        }
        const bool cut = std::sqrt(squares) < kShortest;
        const double length = cut ? kShortest : std::sqrt(squares);
        for (int64_t i = row * width; i < (row + 1) * width; ++i) {
          const auto at = static_cast<size_t>(i);
          const double u = number(x[at]) / length;
          EXPECT_NEAR(number(unit[at]), u, kTolerance<T>);
          const double expected = number(dunit[at]) - (cut ? 0 : u * along / length);
          EXPECT_NEAR(number(dx[at]) * length, expected, 1e-5) << "row " << row;
        }
      }
    }
  });
}

TEST(UnitRowKernels, ANanStaysOne) {
  std::vector<float> x(20, 1.0F);
  x[3] = std::numeric_limits<float>::quiet_NaN();
  std::vector<float> unit(20);
  float inverse = 0;
  unit_row_kernels<float>().forward(x.data(), 1, 20, 1e-12F, unit.data(), &inverse);
  for (const float each : unit) EXPECT_TRUE(std::isnan(each));
}

}  // namespace
}  // namespace spc
