#include "kernels/gpu_norm.h"

#include <algorithm>
#include <limits>
#include <string>
#include <utility>

#include "unit/kernels/host_grid.h"
#include "unit/kernels/made_up_maps.h"

namespace spc {
namespace {

// The functions that a GPU's threads run, run here thread by thread, against the same arithmetic
// written as loops over single numbers in double.

// A map in parts, each in the middle of a wider one.
template <class T>
class TestParts {
 public:
  TestParts(const std::vector<int64_t>& widths, double phase, int64_t pixels) {
    for (const int64_t width : widths) maps_.emplace_back(width, phase++, pixels);
  }
  [[nodiscard]] SlabList<const T> in() const {
    SlabList<const T> list;
    for (size_t i = 0; i < maps_.size(); ++i) list.slabs[i] = maps_[i].in();
    return list;
  }
  [[nodiscard]] SlabList<T> out() {
    SlabList<T> list;
    for (size_t i = 0; i < maps_.size(); ++i) list.slabs[i] = maps_[i].out();
    return list;
  }
  [[nodiscard]] double at(int64_t pixel, int64_t c) const {
    size_t part = 0;
    for (; c >= maps_[part].in().channels; ++part) c -= maps_[part].in().channels;
    return maps_[part].at(pixel, c);
  }
  [[nodiscard]] const TestMap<T>& part(size_t i) const { return maps_[i]; }

 private:
  std::vector<TestMap<T>> maps_;
};

struct Case {
  std::vector<int64_t> widths;
  std::vector<int64_t> others;  // the same channels, cut otherwise
  int64_t pixels;
  int64_t rows;
  [[nodiscard]] int64_t channels() const {
    int64_t sum = 0;
    for (const int64_t width : widths) sum += width;
    return sum;
  }
  [[nodiscard]] Grid grid() const { return {channels(), rows}; }
};

template <class Body>
void for_cases(Body body) {
  for (const auto& [widths, others] :
       {std::pair<std::vector<int64_t>, std::vector<int64_t>>{{1}, {1}},
        {{5}, {2, 3}},
        {{4, 1, 3}, {8}},
        {{16, 2, 15}, {16, 2, 15}}})
    for (const auto& [pixels, rows] : {std::pair{1, 1}, {37, 1}, {37, 4}, {37, 37}, {301, 150}}) {
      SCOPED_TRACE(std::to_string(widths.size()) + " parts, " + std::to_string(pixels) +
                   " pixels, " + std::to_string(rows) + " rows");
      body(Case{widths, others, pixels, rows});
    }
}

template <class T>
class GpuNormTest : public NearTest<T> {};
TYPED_TEST_SUITE(GpuNormTest, StoredTypes);

TYPED_TEST(GpuNormTest, Sums) {
  using T = TypeParam;
  for_cases([&](const Case& of) {
    const TestParts<T> x(of.widths, 0, of.pixels);
    const std::vector<double> sums =
        sums_of(SumMap<T>{x.in(), of.pixels, {}}, &SumMap<T>::to, of.grid());
    for (int64_t c = 0; c < of.channels(); ++c) {
      double sum = 0;
      double squares = 0;
      for (int64_t i = 0; i < of.pixels; ++i) {
        sum += x.at(i, c);
        squares += x.at(i, c) * x.at(i, c);
      }
      EXPECT_NEAR(sums[static_cast<size_t>(c)], sum, 1e-4);
      EXPECT_NEAR(sums[static_cast<size_t>(of.channels() + c)], squares, 1e-4);
    }
  });
}

TYPED_TEST(GpuNormTest, ApplyWithAndWithoutReluAndAddition) {
  using T = TypeParam;
  for_cases([&](const Case& of) {
    const TestParts<T> x(of.widths, 0, of.pixels);
    const TestParts<T> add(of.others, 1, of.pixels);
    const TestNorm<double> norm(of.channels());
    for (const bool relu : {false, true})
      for (const bool adds : {false, true}) {
        TestParts<T> y(of.others, 2, of.pixels);
        run_on_host(ApplyNorm<T>{x.in(), norm.affine(), relu, adds ? add.in() : SlabList<const T>{},
                                 y.out(), of.pixels},
                    of.grid(), nullptr);
        for (int64_t i = 0; i < of.pixels; ++i)
          for (int64_t c = 0; c < of.channels(); ++c) {
            const double value = norm.of(x.at(i, c), c);
            this->near(y.at(i, c),
                       (relu ? std::max(0.0, value) : value) + (adds ? add.at(i, c) : 0));
          }
        const int64_t beside = of.others[0];
        EXPECT_EQ(y.part(0).at(0, beside), TestMap<T>(beside, 2, of.pixels).at(0, beside))
            << "a channel beside was written to";
      }
  });
}

TYPED_TEST(GpuNormTest, BackwardOfANorm) {
  using T = TypeParam;
  for_cases([&](const Case& of) {
    const TestParts<T> x(of.widths, 0, of.pixels);
    const TestParts<T> dy(of.others, 1, of.pixels);
    const TestParts<T> add(of.others, 3, of.pixels);
    const TestNorm<double> norm(of.channels());
    SlabList<const T> added = add.in();
    added.slabs[0].data = nullptr;  // a part that is not there
    const auto channels = static_cast<size_t>(of.channels());
    for (const bool relu : {false, true}) {
      const std::vector<double> sums =
          sums_of(SumGradient<T>{dy.in(), x.in(), norm.affine(), relu, of.pixels, {}},
                  &SumGradient<T>::to, of.grid());
      TestParts<T> dx = dy;  // in the place of dy
      run_on_host(ApplyGradient<T>{dx.in(), x.in(), norm.affine(), relu, norm.backward(), added,
                                   dx.out(), of.pixels},
                  of.grid(), nullptr);
      for (size_t c = 0; c < channels; ++c) {
        const auto channel = static_cast<int64_t>(c);
        double sum = 0;
        double product = 0;
        for (int64_t i = 0; i < of.pixels; ++i) {
          const double deviation = x.at(i, channel) - norm.mean[c];
          const double du = relu && norm.of(x.at(i, channel), channel) <= 0 ? 0 : dy.at(i, channel);
          sum += du;
          product += du * deviation;
          this->near(dx.at(i, channel), du * norm.scale[c] + deviation * norm.mean[c] +
                                            norm.bias[c] +
                                            (channel < of.others[0] ? 0 : add.at(i, channel)));
        }
        EXPECT_NEAR(sums[c], sum, 1e-4);
        EXPECT_NEAR(sums[channels + c], product, 1e-4);
      }
    }
  });
}

TEST(GpuNorm, AGridCoversItsItems) {
  for (const int64_t channels : {1, 7, 32, 512})
    for (const int64_t items : {1, 5, 600, 100000, 50000000}) {
      const Grid grid = grid_of(channels, items, 8, 512);
      EXPECT_EQ(grid.channels, channels);
      EXPECT_GE(grid.rows * 512, items);
      EXPECT_LE(grid.rows, (items + 7) / 8);
    }
  EXPECT_EQ(grid_of(3, 0, 8, 512).rows, 0);
}

TEST(GpuNorm, Bfloat16IsRoundedToNearestEven) {
  const std::vector<std::pair<uint32_t, uint16_t>> cases{
      {0x3F800000, 0x3F80}, {0x3F808000, 0x3F80}, {0x3F818000, 0x3F82}, {0x3F808001, 0x3F81},
      {0x3F807FFF, 0x3F80}, {0xBF818000, 0xBF82}, {0x7F800000, 0x7F80}, {0xFF800000, 0xFF80},
      {0x7F7FFFFF, 0x7F80}, {0x00000000, 0x0000}, {0x80000000, 0x8000}, {0x00008001, 0x0001}};
  Bf16 narrow{};
  for (const auto& [bits, expected] : cases) {
    to_storage(std::bit_cast<float>(bits), narrow);
    EXPECT_EQ(narrow.bits, expected) << std::hex << bits;
  }
  to_storage(std::bit_cast<float>(0x7FFFFFFFU), narrow);  // its rounding would carry into the sign
  EXPECT_TRUE(std::isnan(from_storage(narrow)));
}

TEST(GpuNorm, ALargeMeanDoesNotCancelTheDeviation) {
  std::vector<float> x;
  x.reserve(1000);
  for (int i = 0; i < 1000; ++i) x.push_back(10000.0F + (i % 3 == 0 ? 0.5F : -0.25F));
  SlabList<const float> map;
  map.slabs[0] = {x.data(), 1, 1};
  const std::vector<double> sums =
      sums_of(SumMap<float>{map, 1000, {}}, &SumMap<float>::to, {1, 3});
  const double mean = sums[0] / 1000;
  EXPECT_NEAR(mean, 10000 + 0.75 * 0.334 - 0.25, 1e-9);
  EXPECT_NEAR(sums[1] / 1000 - mean * mean, 0.75 * 0.75 * 0.334 * 0.666, 1e-6);
}

// A mean between two float32 numbers: what subtracting the nearer one leaves is put right.
TEST(GpuNorm, WhatRoundingAMeanLeavesIsPutRight) {
  const std::vector<float> x{10000.0F, 10001.0F, 10003.0F}, dy{1.0F, 2.0F, 4.0F};
  const double mean = 10001.0003, scale = 2, bias = 0.5, of_deviation = 3;
  const Affine<double> norm{&mean, &scale, &bias};
  SlabList<const float> map, gradient;
  map.slabs[0] = {x.data(), 1, 1};
  gradient.slabs[0] = {dy.data(), 1, 1};
  std::vector<float> y(3), dx(3);
  SlabList<float> to, to_x;
  to.slabs[0] = {y.data(), 1, 1};
  to_x.slabs[0] = {dx.data(), 1, 1};
  run_on_host(ApplyNorm<float>{map, norm, false, {}, to, 3}, {1, 2}, nullptr);
  run_on_host(
      ApplyGradient<float>{gradient, map, norm, false, {&scale, &of_deviation, &bias}, {}, to_x, 3},
      {1, 2}, nullptr);
  const std::vector<double> sums = sums_of(SumGradient<float>{gradient, map, norm, false, 3, {}},
                                           &SumGradient<float>::to, {1, 2});
  double product = 0;
  for (size_t i = 0; i < 3; ++i) {
    const double deviation = number(x[i]) - mean;
    EXPECT_NEAR(y[i], deviation * scale + bias, 1e-6);
    EXPECT_NEAR(dx[i], dy[i] * scale + deviation * of_deviation + bias, 2e-6);
    product += dy[i] * deviation;
  }
  EXPECT_NEAR(sums[1], product, 1e-6);
}

TEST(GpuNorm, WhatIsNotFiniteStaysSo) {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  const std::vector<double> one{1}, zero{0};
  SlabList<const float> from;
  from.slabs[0] = {&nan, 1, 1};
  float y = 0;
  SlabList<float> to;
  to.slabs[0] = {&y, 1, 1};
  run_on_host(ApplyNorm<float>{from, {zero.data(), one.data(), zero.data()}, true, {}, to, 1},
              {1, 1}, nullptr);
  EXPECT_TRUE(std::isnan(y)) << "relu hid a NaN";
}

}  // namespace
}  // namespace spc
