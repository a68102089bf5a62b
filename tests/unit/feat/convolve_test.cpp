#include "feat/convolve.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "base/random.h"
#include "unit/reference.h"

namespace spc {
namespace {

class ConvolveReference : public testing::TestWithParam<const char*> {};

TEST_P(ConvolveReference, IsThatOfScipy) {
  Reference reference = read_reference("convolve.txt");
  const auto floats = [&](const std::string& key) {
    const std::vector<double>& values = reference.at(std::string(GetParam()) + "." + key);
    return std::vector<float>(values.begin(), values.end());
  };
  const auto shift = static_cast<int64_t>(floats("shift")[0]);
  const std::vector<float> y = convolve(floats("x"), floats("h"), shift);
  const std::vector<double>& expected = reference.at(std::string(GetParam()) + ".y");
  ASSERT_EQ(y.size(), expected.size());
  double largest = 0;
  for (const double value : expected) largest = std::max(largest, std::abs(value));
  for (size_t i = 0; i < y.size(); ++i) EXPECT_NEAR(y[i], expected[i], 1e-5 * largest) << i;
}

INSTANTIATE_TEST_SUITE_P(Cases, ConvolveReference,
                         testing::Values("room", "long_response", "one_tap", "one_sample"));

// Many blocks, with a response across their edges: against the sum of its definition.
TEST(Convolve, OfManyBlocksIsTheSum) {
  Random random(1, {});
  std::vector<float> x(30000), h(3000);
  for (float& sample : x) sample = static_cast<float>(random.normal() * 1000);
  for (size_t i = 0; i < h.size(); ++i)
    h[i] = static_cast<float>(random.normal() * std::exp(-static_cast<double>(i) / 500));
  const int64_t shift = 40;
  const std::vector<float> y = convolve(x, h, shift);
  double largest = 0;
  for (const float value : y) largest = std::max(largest, std::abs(static_cast<double>(value)));
  for (int64_t n = 0; n < 30000; n += 7) {
    double sum = 0;
    for (int64_t m = 0; m < 3000; ++m) {
      const int64_t at = n + shift - m;
      if (at >= 0 && at < 30000)
        sum += static_cast<double>(h[static_cast<size_t>(m)]) * x[static_cast<size_t>(at)];
    }
    ASSERT_NEAR(y[static_cast<size_t>(n)], sum, 1e-5 * largest) << n;
  }
}

}  // namespace
}  // namespace spc
