// A convolution with batch norm folded in against the two one after the other, by their definitions
// in double precision.
#include "onnx_export/folding.h"

#include <gtest/gtest.h>

#include <cmath>

namespace spc {
namespace {

constexpr double kEps = 1e-5;

FloatTensor wave(const std::vector<int64_t>& shape, double phase, double offset = 0) {
  size_t count = 1;
  for (const int64_t size : shape) count *= static_cast<size_t>(size);
  FloatTensor tensor{shape, std::vector<float>(count)};
  for (size_t i = 0; i < count; ++i)
    tensor.values[i] =
        static_cast<float>(offset + 0.8 * std::sin(0.7 * static_cast<double>(i) + phase));
  return tensor;
}

NormWeights wavy_norm(int64_t channels) {
  NormWeights norm{wave({channels}, 1, 1), wave({channels}, 2), wave({channels}, 3),
                   wave({channels}, 4, 0.9)};
  norm.variance.values[0] = 2e-6F;  // where eps decides
  return norm;
}

struct Map {
  size_t channels;
  size_t side;
  std::vector<double> values;  // [channels, side, side]
  [[nodiscard]] double& at(size_t c, size_t y, size_t x) {
    return values[(c * side + y) * side + x];
  }
};

Map input_map(size_t channels, size_t side) {
  Map map{channels, side, std::vector<double>(channels * side * side)};
  for (size_t i = 0; i < map.values.size(); ++i)
    map.values[i] = std::cos(0.37 * static_cast<double>(i));
  return map;
}

Map normalised(Map map, const NormWeights& norm) {
  for (size_t c = 0; c < map.channels; ++c) {
    for (size_t i = c * map.side * map.side; i < (c + 1) * map.side * map.side; ++i) {
      map.values[i] = (map.values[i] - norm.mean.values[c]) /
                          std::sqrt(norm.variance.values[c] + kEps) * norm.weight.values[c] +
                      norm.bias.values[c];
    }
  }
  return map;
}

Map convolved(Map map, const ConvWeights& conv, size_t stride, size_t padding) {
  const auto outputs = static_cast<size_t>(conv.weight.shape[0]);
  const auto kernel = static_cast<size_t>(conv.weight.shape[2]);
  const size_t side = (map.side + 2 * padding - kernel) / stride + 1;
  Map result{outputs, side, std::vector<double>(outputs * side * side)};
  for (size_t out = 0; out < outputs; ++out) {
    for (size_t y = 0; y < side; ++y) {
      for (size_t x = 0; x < side; ++x) {
        double sum = conv.bias.values[out];
        for (size_t in = 0; in < map.channels; ++in) {
          for (size_t ky = 0; ky < kernel; ++ky) {
            for (size_t kx = 0; kx < kernel; ++kx) {
              const size_t row = y * stride + ky - padding;  // wraps around where it is outside
              const size_t column = x * stride + kx - padding;
              if (row >= map.side || column >= map.side) continue;
              sum += map.at(in, row, column) *
                     conv.weight.values[((out * map.channels + in) * kernel + ky) * kernel + kx];
            }
          }
        }
        result.at(out, y, x) = sum;
      }
    }
  }
  return result;
}

void expect_equal(const Map& actual, const Map& expected) {
  ASSERT_EQ(actual.values.size(), expected.values.size());
  for (size_t i = 0; i < actual.values.size(); ++i)
    EXPECT_NEAR(actual.values[i], expected.values[i], 2e-6 * (1 + std::abs(expected.values[i])));
}

TEST(Folding, NormBehindAPaddedConvolution) {
  const ConvWeights conv{wave({5, 3, 3, 3}, 0.3), wave({5}, 0.6)};
  const NormWeights norm = wavy_norm(5);
  const Map input = input_map(3, 7);
  expect_equal(convolved(input, fold_after(conv, norm, kEps), 1, 1),
               normalised(convolved(input, conv, 1, 1), norm));
}

TEST(Folding, NormInFrontOfAConvolutionWithoutPadding) {
  const ConvWeights conv{wave({6, 3, 2, 2}, 0.3), wave({6}, 0.6)};
  const NormWeights norm = wavy_norm(3);
  const Map input = input_map(3, 7);  // the last row and column are left over
  expect_equal(convolved(input, fold_before(norm, conv, kEps), 2, 0),
               convolved(normalised(input, norm), conv, 2, 0));
}

TEST(Folding, NormInFrontOfPaddingIsAnother) {
  const ConvWeights conv{wave({2, 3, 3, 3}, 0.3), wave({2}, 0.6)};
  const NormWeights norm = wavy_norm(3);
  const Map input = input_map(3, 5);
  Map folded = convolved(input, fold_before(norm, conv, kEps), 1, 1);
  Map apart = convolved(normalised(input, norm), conv, 1, 1);
  EXPECT_NEAR(folded.at(0, 2, 2), apart.at(0, 2, 2), 1e-5);  // in the middle
  EXPECT_GT(std::abs(folded.at(0, 0, 0) - apart.at(0, 0, 0)), 0.01);
}

}  // namespace
}  // namespace spc
