#include "kernels/gpu_kernels.h"

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

// [2, channels], as the kernels add up partial sums.
std::vector<double> added_up(std::vector<double> sums, int64_t channels) {
  while (static_cast<int64_t>(sums.size()) > 2 * channels) {
    const int64_t rows = static_cast<int64_t>(sums.size()) / (2 * channels);
    const int64_t groups = (rows + AddSums::kSumsAtOnce - 1) / AddSums::kSumsAtOnce;
    std::vector<double> next(static_cast<size_t>(groups * 2 * channels));
    run_on_host(AddSums{sums.data(), rows, next.data()}, {2 * channels, groups}, nullptr);
    sums = std::move(next);
  }
  return sums;
}

template <class Work>
std::vector<double> sums_of(Work work, PartialSums Work::*to, Grid grid) {
  std::vector<double> partial(static_cast<size_t>(2 * grid.rows * grid.channels));
  (work.*to).data = partial.data();
  run_on_host(work, grid, nullptr);
  return added_up(partial, grid.channels);
}

template <class T>
class GpuKernelsTest : public NearTest<T> {};
TYPED_TEST_SUITE(GpuKernelsTest, StoredTypes);

TYPED_TEST(GpuKernelsTest, Sums) {
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

TYPED_TEST(GpuKernelsTest, ApplyWithAndWithoutReluAndAddition) {
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

TYPED_TEST(GpuKernelsTest, BackwardOfANorm) {
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

TYPED_TEST(GpuKernelsTest, GateForwardAndBackward) {
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

TYPED_TEST(GpuKernelsTest, AveragesAndMergingTheirGradients) {
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
TEST(GpuKernels, IntervalsOfNearestUpSamplingCoverAnAxis) {
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

TEST(GpuKernels, AGridCoversItsItems) {
  for (const int64_t channels : {1, 7, 32, 512})
    for (const int64_t items : {1, 5, 600, 100000, 50000000}) {
      const Grid grid = grid_of(channels, items, 8, 512);
      EXPECT_EQ(grid.channels, channels);
      EXPECT_GE(grid.rows * 512, items);
      EXPECT_LE(grid.rows, (items + 7) / 8);
    }
  EXPECT_EQ(grid_of(3, 0, 8, 512).rows, 0);
}

TEST(GpuKernels, Bfloat16IsRoundedToNearestEven) {
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

TEST(GpuKernels, ALargeMeanDoesNotCancelTheDeviation) {
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

TEST(GpuKernels, WhatIsNotFiniteStaysSo) {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  const std::vector<float> x{nan, 1.0F}, one{1.0F, 1.0F}, far{-1000.0F, 1000.0F}, none{0.0F, 0.0F};
  const std::vector<double> ones{1.0, 1.0}, zeros{0.0, 0.0};
  const Affine<double> identity{zeros.data(), ones.data(), zeros.data()};
  std::vector<float> y(2);
  SlabList<const float> from;
  from.slabs[0] = {x.data(), 2, 2};
  SlabList<float> to;
  to.slabs[0] = {y.data(), 2, 2};
  run_on_host(ApplyNorm<float>{from, identity, true, {}, to, 1}, {2, 1}, nullptr);
  EXPECT_TRUE(std::isnan(y[0])) << "relu hid a NaN";
  const Shape pixel{1, 1, 1, 1};
  const auto gate = [&](const std::vector<float>& x1) {
    run_on_host(
        OpenGate<float>{
            {x1.data(), one.data(), identity, none.data(), identity}, pixel.windows(), y.data()},
        {2, 1}, nullptr);
  };
  gate(x);
  EXPECT_TRUE(std::isnan(y[0])) << "the sigmoid hid a NaN";
  gate(far);
  EXPECT_NEAR(y[0], 0, 1e-30);
  EXPECT_EQ(y[1], 1);
}

}  // namespace
}  // namespace spc
