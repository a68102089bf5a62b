// Maps and norms for tests of the passes.
#pragma once

#include <gtest/gtest.h>

#include <cmath>
#include <cstdint>
#include <vector>

#include "kernels/maps.h"
#include "unit/kernels/stored_numbers.h"

namespace spc {

inline constexpr int64_t kPixels = 37;

// Channels of a wider map, so that strides count.
template <class T>
class TestMap {
 public:
  TestMap(int64_t channels, double phase, int64_t pixels = kPixels)
      : channels_(channels), values_(static_cast<size_t>(pixels * (channels + 2))) {
    for (size_t i = 0; i < values_.size(); ++i)
      values_[i] = stored<T>(std::sin(1.37 * static_cast<double>(i) + phase) + 0.3);
  }
  [[nodiscard]] Slab<const T> in() const { return {values_.data() + 1, channels_, channels_ + 2}; }
  [[nodiscard]] Slab<T> out() { return {values_.data() + 1, channels_, channels_ + 2}; }
  [[nodiscard]] double at(int64_t pixel, int64_t c) const {
    return number(values_[static_cast<size_t>(pixel * (channels_ + 2) + c + 1)]);
  }

 private:
  int64_t channels_;
  std::vector<T> values_;
};

template <class F>
struct TestNorm {
  explicit TestNorm(int64_t channels) {
    for (int64_t c = 0; c < channels; ++c) {
      mean.push_back(static_cast<F>(0.1 * std::cos(c)));
      scale.push_back(static_cast<F>(1 + 0.5 * std::sin(c)));
      bias.push_back(static_cast<F>(0.2 * std::sin(3 * c)));
    }
  }
  [[nodiscard]] Affine<F> affine() const { return {mean.data(), scale.data(), bias.data()}; }
  [[nodiscard]] Backward<F> backward() const { return {scale.data(), mean.data(), bias.data()}; }
  [[nodiscard]] double of(double x, int64_t c) const {
    const auto i = static_cast<size_t>(c);
    return (x - number(mean[i])) * number(scale[i]) + number(bias[i]);
  }
  std::vector<F> mean, scale, bias;
};

inline double exact_sigmoid(double x) {
  return 1 / (1 + std::exp(-x));
}

// A dense map.
template <class T>
std::vector<T> dense(int64_t count, double phase) {
  std::vector<T> values;
  for (int64_t i = 0; i < count; ++i)
    values.push_back(stored<T>(1.5 * std::sin(0.73 * static_cast<double>(i) + phase)));
  return values;
}

template <class T>
class NearTest : public testing::Test {
 protected:
  void near(double actual, double expected) {
    EXPECT_NEAR(actual, expected, kTolerance<T> * (1 + std::abs(expected)));
  }
};

}  // namespace spc
