#include "kernels/gpu_gate.h"

#include <limits>
#include <string>
#include <utility>

#include "unit/kernels/host_grid.h"
#include "unit/kernels/made_up_maps.h"

namespace spc {
namespace {

// The gate's functions of a GPU's threads, run here thread by thread, against the same arithmetic
// written as loops over single numbers in double.
template <class T>
class GpuGateTest : public NearTest<T> {};
TYPED_TEST_SUITE(GpuGateTest, StoredTypes);

// Sizes of windows and maps; cut windows, one that is larger than the map, one of a pixel.
struct Shape {
  int32_t utts;
  int32_t bins;
  int32_t frames;
  int32_t r;
  [[nodiscard]] int32_t small_bins() const { return (bins + r - 1) / r; }
  [[nodiscard]] int32_t small_frames() const { return (frames + r - 1) / r; }
  [[nodiscard]] int64_t pixels() const { return int64_t{utts} * bins * frames; }
  [[nodiscard]] int64_t smalls() const { return int64_t{utts} * small_bins() * small_frames(); }
  [[nodiscard]] GpuWindows windows() const {
    return {utts, r, NearestAxis(small_bins(), bins), NearestAxis(small_frames(), frames)};
  }
  // body(pixel, bin, frame, first pixel of the utterance in the small map)
  template <class Body>
  void for_pixels(Body body) const {
    for (int64_t utt = 0; utt < utts; ++utt)
      for (int64_t bin = 0; bin < bins; ++bin)
        for (int64_t frame = 0; frame < frames; ++frame)
          body((utt * bins + bin) * frames + frame, bin, frame,
               utt * small_bins() * small_frames());
  }
};

template <class Body>
void for_shapes(Body body) {
  for (const Shape& shape : {Shape{1, 1, 1, 4}, Shape{2, 7, 10, 4}, Shape{1, 2, 3, 4},
                             Shape{3, 5, 9, 2}, Shape{2, 3, 5, 1}, Shape{1, 8, 13, 5}})
    for (const int64_t channels : {1, 3, 16})
      for (const int64_t rows : {int64_t{1}, (shape.smalls() + 1) / 2, shape.smalls()}) {
        SCOPED_TRACE(std::to_string(shape.bins) + " x " + std::to_string(shape.frames) + " by " +
                     std::to_string(shape.r) + ", " + std::to_string(channels) + " channels, " +
                     std::to_string(rows) + " rows");
        body(shape, Grid{channels, rows});
      }
}

int64_t nearest(int64_t i, int32_t small, int32_t large) {
  return i * small / large;  // exact: these sizes are far from where rounding matters
}

TYPED_TEST(GpuGateTest, GateForwardAndBackward) {
  using T = TypeParam;
  for_shapes([&](const Shape& shape, Grid grid) {
    const int64_t channels = grid.channels;
    const int64_t count = shape.pixels() * channels;
    const std::vector<T> x1 = dense<T>(count, 0), c3 = dense<T>(count, 1), dz = dense<T>(count, 2);
    const std::vector<T> c2 = dense<T>(shape.smalls() * channels, 3);
    const TestNorm<double> norm3(channels);
    TestNorm<double> norm2(channels);
    std::swap(norm2.mean, norm2.bias);
    for (const bool identity : {false, true}) {
      const GateMaps<T> in{identity ? x1.data() : nullptr, c3.data(), norm3.affine(), c2.data(),
                           norm2.affine()};
      std::vector<T> z(x1.size()), g3 = dz, dx1(x1.size()), of_norm2(c2.size());
      run_on_host(OpenGate<T>{in, shape.windows(), z.data()}, grid, nullptr);
      const std::vector<double> sums = sums_of(GateGradient<T>{in,
                                                               shape.windows(),
                                                               g3.data(),
                                                               g3.data(),
                                                               identity ? dx1.data() : nullptr,
                                                               of_norm2.data(),
                                                               {}},
                                               &GateGradient<T>::sums3, grid);
      std::vector<double> of_up(c2.size()), of_sums(static_cast<size_t>(2 * channels));
      shape.for_pixels([&](int64_t pixel, int64_t bin, int64_t frame, int64_t first) {
        const int64_t small = first +
                              nearest(bin, shape.small_bins(), shape.bins) * shape.small_frames() +
                              nearest(frame, shape.small_frames(), shape.frames);
        for (int64_t c = 0; c < channels; ++c) {
          const auto i = static_cast<size_t>(pixel * channels + c);
          const auto j = static_cast<size_t>(small * channels + c);
          const double open =
              exact_sigmoid(norm2.of(number(c2[j]), c) + (identity ? number(x1[i]) : 0));
          const double value = norm3.of(number(c3[i]), c);
          const double gradient = number(dz[i]);
          const double of_inside = gradient * value * open * (1 - open);
          this->near(number(z[i]), value * open);
          this->near(number(g3[i]), gradient * open);
          if (identity) this->near(number(dx1[i]), of_inside);
          of_up[j] += of_inside;
          of_sums[static_cast<size_t>(c)] += gradient * open;
          of_sums[static_cast<size_t>(channels + c)] +=
              gradient * open * (number(c3[i]) - norm3.mean[static_cast<size_t>(c)]);
        }
      });
      for (size_t i = 0; i < c2.size(); ++i) this->near(number(of_norm2[i]), of_up[i]);
      for (size_t i = 0; i < sums.size(); ++i) EXPECT_NEAR(sums[i], of_sums[i], 1e-4);
    }
  });
}

TYPED_TEST(GpuGateTest, AveragesAndMergingTheirGradients) {
  using T = TypeParam;
  for_shapes([&](const Shape& shape, Grid grid) {
    const int64_t channels = grid.channels;
    const int64_t count = shape.pixels() * channels;
    const std::vector<T> a = dense<T>(count, 1), b = dense<T>(count, 2);
    const std::vector<T> of_average = dense<T>(shape.smalls() * channels, 3);
    const TestMap<T> base(channels, 4, shape.pixels());
    std::vector<T> average(of_average.size());
    run_on_host(AverageWindows<T>{a.data(), shape.windows(), average.data()}, grid, nullptr);
    std::vector<T> all = a, bare(a.size());  // in the place of a
    run_on_host(MergeGradients<T>{base.in(), all.data(), b.data(), of_average.data(),
                                  shape.windows(), all.data()},
                grid, nullptr);
    run_on_host(
        MergeGradients<T>{base.in(), nullptr, nullptr, nullptr, shape.windows(), bare.data()}, grid,
        nullptr);
    std::vector<double> sums(average.size()), counts(average.size());
    const auto small_of = [&](int64_t bin, int64_t frame, int64_t first, int64_t c) {
      return static_cast<size_t>(
          (first + bin / shape.r * shape.small_frames() + frame / shape.r) * channels + c);
    };
    shape.for_pixels([&](int64_t pixel, int64_t bin, int64_t frame, int64_t first) {
      for (int64_t c = 0; c < channels; ++c) {
        sums[small_of(bin, frame, first, c)] +=
            number(a[static_cast<size_t>(pixel * channels + c)]);
        counts[small_of(bin, frame, first, c)] += 1;
      }
    });
    for (size_t i = 0; i < average.size(); ++i) this->near(number(average[i]), sums[i] / counts[i]);
    shape.for_pixels([&](int64_t pixel, int64_t bin, int64_t frame, int64_t first) {
      for (int64_t c = 0; c < channels; ++c) {
        const auto i = static_cast<size_t>(pixel * channels + c);
        const size_t j = small_of(bin, frame, first, c);
        this->near(number(all[i]), base.at(pixel, c) + number(a[i]) + number(b[i]) +
                                       number(of_average[j]) / counts[j]);
        EXPECT_EQ(number(bare[i]), base.at(pixel, c));
      }
    });
  });
}

// Whatever the rounding: every place is in the interval of its source, and in no other.
TEST(GpuGate, IntervalsOfNearestUpSamplingCoverAnAxis) {
  for (int32_t large = 1; large <= 700; ++large)
    for (const int32_t r : {1, 2, 3, 4, 7, 16}) {
      SCOPED_TRACE(std::to_string(large) + " by " + std::to_string(r));
      const NearestAxis axis((large + r - 1) / r, large);
      EXPECT_EQ(axis.first(0), 0);
      EXPECT_EQ(axis.first(axis.small()), large);
      for (int32_t of = 0; of < axis.small(); ++of)
        for (int32_t i = axis.first(of); i < axis.first(of + 1); ++i) ASSERT_EQ(axis.source(i), of);
    }
}

TEST(GpuGate, WhatRoundingAMeanLeavesIsPutRight) {
  const std::vector<float> c3{10000.0F, 10003.0F}, none{0.0F, 0.0F};
  std::vector<float> dz{1.0F, 2.0F}, of_norm2(1);
  const double mean = 10001.0003, one = 1, zero = 0;
  const std::vector<double> sums = sums_of(
      GateGradient<float>{
          {nullptr, c3.data(), {&mean, &one, &zero}, none.data(), {&zero, &one, &zero}},
          Shape{1, 1, 2, 2}.windows(),
          dz.data(),
          dz.data(),
          nullptr,
          of_norm2.data(),
          {}},
      &GateGradient<float>::sums3, {1, 1});
  EXPECT_NEAR(sums[1], 0.5 * (10000 - mean) + (10003 - mean), 1e-6);
}

TEST(GpuGate, WhatIsNotFiniteStaysSo) {
  const std::vector<float> x1{std::numeric_limits<float>::quiet_NaN(), -1000.0F, 1000.0F};
  const std::vector<float> ones{1.0F, 1.0F, 1.0F}, none{0.0F, 0.0F, 0.0F};
  const std::vector<double> one{1, 1, 1}, zero{0, 0, 0};
  const Affine<double> identity{zero.data(), one.data(), zero.data()};
  std::vector<float> z(3);
  run_on_host(OpenGate<float>{{x1.data(), ones.data(), identity, none.data(), identity},
                              Shape{1, 1, 1, 1}.windows(),
                              z.data()},
              {3, 1}, nullptr);
  EXPECT_TRUE(std::isnan(z[0])) << "the sigmoid hid a NaN";
  EXPECT_NEAR(z[1], 0, 1e-30);
  EXPECT_EQ(z[2], 1);
}

}  // namespace
}  // namespace spc
