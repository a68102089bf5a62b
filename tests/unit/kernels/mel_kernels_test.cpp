#include "kernels/mel_kernels.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cfloat>
#include <cmath>
#include <complex>
#include <limits>
#include <numbers>
#include <numeric>
#include <string>
#include <vector>

#include "unit/kernels/processors.h"

namespace spc {
namespace {

// Against the sums that define them, in double.
std::vector<double> conditioned(const MelTables& tables, const float* frame) {
  const size_t length = tables.window.size();
  const double mean = std::accumulate(frame, frame + length, 0.0) / static_cast<double>(length);
  std::vector<double> result(length);
  for (size_t i = 0; i < length; ++i) {
    const double before = frame[i == 0 ? 0 : i - 1] - mean;
    result[i] = (frame[i] - mean - double{tables.preemphasis} * before) * double{tables.window[i]};
  }
  return result;
}

double line_power(const std::vector<double>& frame, size_t line, size_t fft_size) {
  std::complex<double> sum = 0;
  for (size_t i = 0; i < frame.size(); ++i) {
    const auto turn = static_cast<double>(line * i % fft_size) / static_cast<double>(fft_size);
    sum += std::polar(frame[i], -2 * std::numbers::pi * turn);
  }
  return std::norm(sum);
}

std::vector<double> energies(const MelTables& tables, const float* frame) {
  const std::vector<double> samples = conditioned(tables, frame);
  std::vector<double> power(tables.fft.size / 2);
  for (size_t line = 0; line < power.size(); ++line)
    power[line] = line_power(samples, line, tables.fft.size);
  std::vector<double> result;
  for (const MelBin& bin : tables.bins) {
    double energy = 0;
    for (size_t i = 0; i < bin.weights.size(); ++i)
      energy += double{bin.weights[i]} * power[bin.first_line + i];
    result.push_back(energy);
  }
  return result;
}

// Every line of the spectrum is a bin of its own, so that none hides behind others; then some wide
// ones.
MelTables tables_of(size_t length, size_t fft_size, float preemphasis) {
  MelTables tables{{}, preemphasis, RealFft(fft_size), {}};
  for (size_t i = 0; i < length; ++i)
    tables.window.push_back(static_cast<float>(0.6 - 0.4 * std::cos(0.7 * static_cast<double>(i))));
  const size_t lines = fft_size / 2;
  for (size_t line = 0; line < lines; ++line) tables.bins.push_back({line, {1}});
  for (size_t first = 0; first + 3 <= lines; first += 5)
    tables.bins.push_back({first, {0.25F, 1, 0.5F}});
  return tables;
}

std::vector<float> signal(size_t count) {
  std::vector<float> samples(count);
  for (size_t i = 0; i < count; ++i) {
    const auto x = static_cast<double>(i);
    samples[i] = static_cast<float>(100 * std::sin(0.37 * x * x) + 40 * std::cos(0.9 * x) + 10);
  }
  return samples;
}

std::vector<const float*> frames_of(const std::vector<float>& samples, size_t count, size_t shift) {
  std::vector<const float*> frames(count);
  for (size_t i = 0; i < count; ++i) frames[i] = samples.data() + i * shift;
  return frames;
}

struct SizeCase {
  size_t length, fft_size;
};
class MelKernelsTest : public testing::TestWithParam<SizeCase> {};

TEST_P(MelKernelsTest, IsTheTransformOfItsDefinition) {
  const auto [length, fft_size] = GetParam();
  const std::vector<float> samples = signal(length + 48);
  const MelTables tables = tables_of(length, fft_size, 0.9F);
  on_every_processor([&] {
    for (const size_t count : {size_t{1}, size_t{3}, size_t{17}}) {
      const auto frames = frames_of(samples, count, 3);
      std::vector<float> logs(count * tables.bins.size());
      mel_kernels().log_mel(tables, frames.data(), static_cast<int64_t>(count), logs.data());
      for (size_t frame = 0; frame < count; ++frame) {
        const std::vector<double> exact = energies(tables, frames[frame]);
        const double largest = *std::max_element(exact.begin(), exact.end());
        for (size_t bin = 0; bin < exact.size(); ++bin) {
          const double energy = std::exp(double{logs[frame * exact.size() + bin]});
          ASSERT_NEAR(energy, exact[bin], 2e-6 * largest + 2 * FLT_EPSILON)
              << "frame " << frame << " of " << count << ", bin " << bin;
        }
      }
    }
  });
}
INSTANTIATE_TEST_SUITE_P(Sizes, MelKernelsTest,
                         testing::Values(SizeCase{2, 4}, SizeCase{3, 4}, SizeCase{4, 4},
                                         SizeCase{7, 8}, SizeCase{13, 16}, SizeCase{25, 32},
                                         SizeCase{64, 64}, SizeCase{101, 128}, SizeCase{160, 256},
                                         SizeCase{400, 512}, SizeCase{551, 1024},
                                         SizeCase{1200, 2048}),
                         [](const auto& each) {
                           return std::to_string(each.param.length) + "_of_" +
                                  std::to_string(each.param.fft_size);
                         });

TEST(MelKernels, LogarithmsAreGoodToTheLastPlaces) {
  // A frame (x, 0) less its mean is (x / 2, -x / 2), of which this window takes the first.
  const MelTables tables{{1, 0}, 0, RealFft(4), {{0, {1}}}};
  on_every_processor([&] {
    for (double power = 1e-6; power < 1e30; power *= 1.37) {
      const std::vector<float> frame = {static_cast<float>(2 * std::sqrt(power)), 0};
      const float* place = frame.data();
      const float half = frame[0] / 2;
      float actual = 0;
      mel_kernels().log_mel(tables, &place, 1, &actual);
      const double expected = std::log(double{half * half});
      ASSERT_NEAR(actual, expected, 3e-7 * std::max(1.0, std::abs(expected))) << power;
    }
  });
}

TEST(MelKernels, SilenceIsTheFloorAndWhatIsNotFiniteStays) {
  const MelTables tables = tables_of(30, 32, 0.97F);
  const std::vector<float> samples = signal(30);
  const float infinity = std::numeric_limits<float>::infinity();
  std::vector<float> silent(30), broken = samples, endless = samples, loud(30);
  broken[11] = std::numeric_limits<float>::quiet_NaN();
  endless[29] = infinity;
  loud[3] = 1e30F;  // its power is too large for a float
  const std::vector<const float*> frames = {samples.data(), silent.data(), broken.data(),
                                            endless.data(), loud.data(),   samples.data()};
  on_every_processor([&] {
    const size_t bins = tables.bins.size();
    std::vector<float> logs(frames.size() * bins);
    mel_kernels().log_mel(tables, frames.data(), static_cast<int64_t>(frames.size()), logs.data());
    for (size_t bin = 0; bin < bins; ++bin) {
      EXPECT_TRUE(std::isfinite(logs[bin]));
      EXPECT_FLOAT_EQ(logs[bins + bin], std::log(FLT_EPSILON));
      EXPECT_TRUE(std::isnan(logs[2 * bins + bin]));
      EXPECT_FALSE(std::isfinite(logs[3 * bins + bin]));
      EXPECT_FALSE(std::isfinite(logs[4 * bins + bin]));
      EXPECT_EQ(logs[5 * bins + bin], logs[bin]);
    }
  });
}

}  // namespace
}  // namespace spc
