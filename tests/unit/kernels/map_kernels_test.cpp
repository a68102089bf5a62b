#include "kernels/map_kernels.h"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include "unit/kernels/made_up_maps.h"
#include "unit/kernels/stored_numbers.h"

namespace spc {
namespace {

// body() for every processor and number of channels.
template <class Body>
void everywhere(Body body) {
  on_every_processor([&] {
    for (const int64_t channels : {1, 3, 4, 12, 16, 33}) {
      SCOPED_TRACE(std::to_string(channels) + " channels");
      body(channels);
    }
  });
}

template <class T>
class MapKernelsTest : public NearTest<T> {};
TYPED_TEST_SUITE(MapKernelsTest, StoredTypes);

TYPED_TEST(MapKernelsTest, Copy) {
  using T = TypeParam;
  everywhere([&](int64_t channels) {
    const TestMap<T> x(channels, 0), before(channels, 1);
    TestMap<T> y(channels, 1);
    map_kernels<T>().copy(x.in(), y.out(), {3, 36});
    for (int64_t i = 0; i < kPixels; ++i)
      for (int64_t c = 0; c < channels; ++c)
        EXPECT_EQ(y.at(i, c), i >= 3 && i < 36 ? x.at(i, c) : before.at(i, c));
  });
}

TYPED_TEST(MapKernelsTest, Sums) {
  using T = TypeParam;
  everywhere([&](int64_t channels) {
    const TestMap<T> x(channels, 0);
    std::vector<double> sums(static_cast<size_t>(2 * channels), 1.0);
    map_kernels<T>().sums(x.in(), {3, 36}, sums.data());
    for (int64_t c = 0; c < channels; ++c) {
      double sum = 1;
      double squares = 1;
      for (int64_t i = 3; i < 36; ++i) {
        sum += x.at(i, c);
        squares += x.at(i, c) * x.at(i, c);
      }
      EXPECT_NEAR(sums[static_cast<size_t>(c)], sum, 1e-4);
      EXPECT_NEAR(sums[static_cast<size_t>(channels + c)], squares, 1e-4);
    }
  });
}

TYPED_TEST(MapKernelsTest, ApplyWithAndWithoutReluAndAddition) {
  using T = TypeParam;
  everywhere([&](int64_t channels) {
    const TestMap<T> x(channels, 0), add(channels, 1);
    const TestNorm<Compute<T>> norm(channels);
    for (const bool relu : {false, true}) {
      for (const bool adds : {false, true}) {
        TestMap<T> y(channels, 2);
        map_kernels<T>().apply(x.in(), norm.affine(), relu, adds ? add.in() : Slab<const T>{},
                               y.out(), {2, 35});
        for (int64_t i = 2; i < 35; ++i)
          for (int64_t c = 0; c < channels; ++c) {
            const double value = norm.of(x.at(i, c), c);
            this->near(y.at(i, c),
                       (relu ? std::max(0.0, value) : value) + (adds ? add.at(i, c) : 0));
          }
        EXPECT_EQ(y.at(1, 0), TestMap<T>(channels, 2).at(1, 0)) << "a pixel outside was written to";
        EXPECT_EQ(y.at(35, 0), TestMap<T>(channels, 2).at(35, 0))
            << "a pixel outside was written to";
        EXPECT_EQ(y.at(5, channels), TestMap<T>(channels, 2).at(5, channels))
            << "a channel beside was written to";
      }
    }
  });
}

TYPED_TEST(MapKernelsTest, BackwardOfANorm) {
  using T = TypeParam;
  everywhere([&](int64_t channels) {
    const TestMap<T> x(channels, 0), dy(channels, 1), add(channels, 3);
    const TestNorm<Compute<T>> norm(channels), back(channels);
    for (const bool relu : {false, true}) {
      std::vector<double> sums(static_cast<size_t>(2 * channels));
      map_kernels<T>().backward_sums(dy.in(), x.in(), norm.affine(), relu, {0, kPixels},
                                     sums.data());
      TestMap<T> dx(channels, 2);
      map_kernels<T>().backward_apply(dy.in(), x.in(), norm.affine(), relu, back.backward(),
                                      add.in(), dx.out(), {0, kPixels});
      for (int64_t c = 0; c < channels; ++c) {
        const auto channel = static_cast<size_t>(c);
        double sum = 0;
        double product = 0;
        for (int64_t i = 0; i < kPixels; ++i) {
          const double deviation = x.at(i, c) - number(norm.mean[channel]);
          const double du = relu && norm.of(x.at(i, c), c) <= 0 ? 0 : dy.at(i, c);
          sum += du;
          product += du * deviation;
          this->near(dx.at(i, c), du * number(back.scale[channel]) +
                                      deviation * number(back.mean[channel]) +
                                      number(back.bias[channel]) + add.at(i, c));
        }
        EXPECT_NEAR(sums[channel], sum, 1e-4);
        EXPECT_NEAR(sums[static_cast<size_t>(channels) + channel], product, 1e-4);
      }
    }
  });
}

// A constant channel is exactly zero behind its norm: relu has no gradient there, in neither pass.
TYPED_TEST(MapKernelsTest, AtZeroReluHasNoGradient) {
  using T = TypeParam;
  using F = Compute<T>;
  everywhere([&](int64_t channels) {
    const std::vector<T> x(static_cast<size_t>(channels), stored<T>(0.5));
    const std::vector<T> dy(static_cast<size_t>(channels), stored<T>(3));
    const std::vector<F> mean(static_cast<size_t>(channels), F{0.5}), one(mean.size(), F{1}),
        zero(mean.size(), F{0});
    const Affine<F> norm{mean.data(), one.data(), zero.data()};
    std::vector<double> sums(static_cast<size_t>(2 * channels));
    const Slab<const T> in{x.data(), channels, channels}, gradient{dy.data(), channels, channels};
    map_kernels<T>().backward_sums(gradient, in, norm, true, {0, 1}, sums.data());
    std::vector<T> dx(x.size(), stored<T>(7));
    map_kernels<T>().backward_apply(gradient, in, norm, true, {one.data(), one.data(), zero.data()},
                                    {}, {dx.data(), channels, channels}, {0, 1});
    for (const double sum : sums) EXPECT_EQ(sum, 0);
    for (const T each : dx) EXPECT_EQ(number(each), 0);
  });
}

TYPED_TEST(MapKernelsTest, GateForwardAndBackward) {
  using T = TypeParam;
  using F = Compute<T>;
  everywhere([&](int64_t channels) {
    const int64_t small = (kPixels + 3) / 4;
    const std::vector<T> x1 = dense<T>(kPixels * channels, 0), c3 = dense<T>(kPixels * channels, 1),
                         dz = dense<T>(kPixels * channels, 2);
    const std::vector<F> up = dense<F>(small * channels, 3);
    std::vector<int32_t> source;
    for (int64_t t = 0; t < kPixels; ++t) source.push_back(static_cast<int32_t>(t / 4));
    const TestNorm<F> norm(channels);
    for (const bool identity : {false, true}) {
      const GateRow<T> row{identity ? x1.data() : nullptr,
                           c3.data(),
                           norm.affine(),
                           up.data(),
                           source.data(),
                           kPixels,
                           channels};
      std::vector<T> z(x1.size()), g3(x1.size()), dx1(x1.size());
      std::vector<F> dup(up.size());
      std::vector<double> sums(static_cast<size_t>(2 * channels));
      map_kernels<T>().gate(row, z.data());
      map_kernels<T>().gate_backward(row, dz.data(), g3.data(), identity ? dx1.data() : nullptr,
                                     dup.data(), sums.data());
      std::vector<double> of_up(up.size()), of_sums(sums.size());
      for (int64_t t = 0; t < kPixels; ++t)
        for (int64_t c = 0; c < channels; ++c) {
          const auto i = static_cast<size_t>(t * channels + c);
          const auto j = static_cast<size_t>(source[static_cast<size_t>(t)] * channels + c);
          const double open = exact_sigmoid(number(up[j]) + (identity ? number(x1[i]) : 0));
          const double value = norm.of(number(c3[i]), c);
          const double gradient = number(dz[i]);
          this->near(number(z[i]), value * open);
          this->near(number(g3[i]), gradient * open);
          if (identity) this->near(number(dx1[i]), gradient * value * open * (1 - open));
          of_up[j] += gradient * value * open * (1 - open);
          of_sums[static_cast<size_t>(c)] += gradient * open;
          of_sums[static_cast<size_t>(channels + c)] +=
              gradient * open * (number(c3[i]) - number(norm.mean[static_cast<size_t>(c)]));
        }
      // Of bfloat16 the sigmoid is exact to 7e-5 of its value.
      const double tolerance = sizeof(T) == 2 ? 5e-4 : 1e-4;
      for (size_t i = 0; i < up.size(); ++i) EXPECT_NEAR(number(dup[i]), of_up[i], tolerance);
      for (size_t i = 0; i < sums.size(); ++i) EXPECT_NEAR(sums[i], of_sums[i], tolerance);
    }
  });
}

TYPED_TEST(MapKernelsTest, Maxima) {
  using T = TypeParam;
  everywhere([&](int64_t channels) {
    constexpr int64_t kWidth = 10;  // windows of 4, 4 and 2
    constexpr int64_t kRows = 3;
    const std::vector<T> x = dense<T>(kRows * kWidth * channels, 2);
    std::vector<T> small(static_cast<size_t>(3 * channels));
    map_kernels<T>().pool_max({x.data(), channels, channels}, kRows, kWidth * channels, kWidth, 4,
                              small.data());
    for (int64_t c = 0; c < channels; ++c)
      for (int64_t window = 0; window < 3; ++window) {
        double largest = -2;
        for (int64_t row = 0; row < kRows; ++row)
          for (int64_t t = 4 * window; t < std::min<int64_t>(4 * window + 4, kWidth); ++t)
            largest = std::max(largest,
                               number(x[static_cast<size_t>((row * kWidth + t) * channels + c)]));
        EXPECT_EQ(number(small[static_cast<size_t>(window * channels + c)]), largest);
      }
  });
}

TYPED_TEST(MapKernelsTest, AMaximumOverANaNIsNaNWhereverItStands) {
  using T = TypeParam;
  everywhere([&](int64_t channels) {
    constexpr int64_t kWidth = 3;
    for (int64_t place = 0; place < kWidth; ++place) {
      std::vector<T> x = dense<T>(kWidth * channels, 2);
      for (int64_t c = 0; c < channels; c += 2)
        x[static_cast<size_t>(place * channels + c)] =
            stored<T>(std::numeric_limits<double>::quiet_NaN());
      std::vector<T> small(static_cast<size_t>(channels));
      map_kernels<T>().pool_max({x.data(), channels, channels}, 1, kWidth * channels, kWidth,
                                kWidth, small.data());
      for (int64_t c = 0; c < channels; ++c)
        EXPECT_EQ(std::isnan(number(small[static_cast<size_t>(c)])), c % 2 == 0) << place;
    }
  });
}

TYPED_TEST(MapKernelsTest, AveragesTheirSharesAndMerging) {
  using T = TypeParam;
  using F = Compute<T>;
  everywhere([&](int64_t channels) {
    constexpr int64_t kWidth = 10;  // windows of 4, 4 and 2
    constexpr int64_t kRows = 3;
    const std::vector<T> x = dense<T>(kRows * kWidth * channels, 0),
                         a = dense<T>(kWidth * channels, 1);
    std::vector<T> small(static_cast<size_t>(3 * channels)), y(a.size());
    std::vector<F> shares(small.size());
    map_kernels<T>().pool_average({x.data(), channels, channels}, kRows, kWidth * channels, kWidth,
                                  4, small.data());
    map_kernels<T>().share({small.data(), channels, channels}, kRows, kWidth, 4, shares.data());
    const std::vector<int32_t> source{0, 0, 0, 0, 1, 1, 1, 1, 2, 2};
    map_kernels<T>().merge({x.data(), channels, channels}, a.data(), nullptr, shares.data(),
                           source.data(), kWidth, y.data());
    for (int64_t c = 0; c < channels; ++c)
      for (int64_t window = 0; window < 3; ++window) {
        double sum = 0;
        const int64_t end = std::min<int64_t>(4 * window + 4, kWidth);
        for (int64_t row = 0; row < kRows; ++row)
          for (int64_t t = 4 * window; t < end; ++t)
            sum += number(x[static_cast<size_t>((row * kWidth + t) * channels + c)]);
        const auto count = static_cast<double>(kRows * (end - 4 * window));
        const auto j = static_cast<size_t>(window * channels + c);
        this->near(number(small[j]), sum / count);
        this->near(number(shares[j]), number(small[j]) / count);
        for (int64_t t = 4 * window; t < end; ++t) {
          const auto i = static_cast<size_t>(t * channels + c);
          this->near(number(y[i]), number(x[i]) + number(a[i]) + number(shares[j]));
        }
      }
  });
}

TEST(MapKernels, Bfloat16IsRoundedToNearestEven) {
  const std::vector<std::pair<uint32_t, uint16_t>> cases{
      {0x3F800000, 0x3F80}, {0x3F808000, 0x3F80}, {0x3F818000, 0x3F82}, {0x3F808001, 0x3F81},
      {0x3F807FFF, 0x3F80}, {0xBF818000, 0xBF82}, {0x7F800000, 0x7F80}, {0xFF800000, 0xFF80},
      {0x7F7FFFFF, 0x7F80}, {0x00000000, 0x0000}, {0x80000000, 0x8000}, {0x00008001, 0x0001}};
  std::vector<float> wide;
  for (const auto& each : cases) wide.push_back(std::bit_cast<float>(each.first));
  wide.push_back(
      std::bit_cast<float>(0x7FFFFFFFu));  // a NaN whose rounding would carry into the sign
  everywhere([&](int64_t) {
    std::vector<Bf16> narrow(wide.size());
    map_kernels<Bf16>().narrow(wide.data(), static_cast<int64_t>(wide.size()), narrow.data());
    for (size_t i = 0; i < cases.size(); ++i)
      EXPECT_EQ(narrow[i].bits, cases[i].second) << std::hex << cases[i].first;
    EXPECT_TRUE(std::isnan(number(narrow.back())));
  });
}

TEST(MapKernels, ALargeMeanDoesNotCancelTheDeviation) {
  std::vector<float> x;
  for (int i = 0; i < 1000; ++i) x.push_back(10000.0F + (i % 2 == 0 ? 0.5F : -0.5F));
  std::vector<double> sums(2);
  map_kernels<float>().sums({x.data(), 1, 1}, {0, 1000}, sums.data());
  const double mean = sums[0] / 1000;
  EXPECT_NEAR(mean, 10000, 1e-9);
  EXPECT_NEAR(sums[1] / 1000 - mean * mean, 0.25, 1e-6);
}

TEST(MapKernels, WhatIsNotFiniteStaysSo) {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  const std::vector<float> x{nan, 1.0F}, one{1.0F, 1.0F}, zero{0.0F, 0.0F}, up{0.0F, 0.0F};
  const Affine<float> identity{zero.data(), one.data(), zero.data()};
  std::vector<float> y(2);
  map_kernels<float>().apply({x.data(), 2, 2}, identity, true, {}, {y.data(), 2, 2}, {0, 1});
  EXPECT_TRUE(std::isnan(y[0])) << "relu hid a NaN";
  const int32_t source = 0;
  map_kernels<float>().gate({x.data(), one.data(), identity, up.data(), &source, 1, 2}, y.data());
  EXPECT_TRUE(std::isnan(y[0])) << "the sigmoid hid a NaN";
  const std::vector<float> far{-1000.0F, 1000.0F};
  map_kernels<float>().gate({far.data(), one.data(), identity, up.data(), &source, 1, 2}, y.data());
  EXPECT_NEAR(y[0], 0, 1e-30);
  EXPECT_EQ(y[1], 1);
}

}  // namespace
}  // namespace spc
