#include "kernels/distillation_kernels.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include "unit/kernels/stored_numbers.h"

namespace spc {
namespace {

constexpr double kInverseTemp = 5;

template <class T>
std::vector<T> waves(int64_t count, double frequency) {
  std::vector<T> values;
  values.reserve(static_cast<size_t>(count));
  for (int64_t i = 0; i < count; ++i)
    values.push_back(stored<T>(std::sin(frequency * static_cast<double>(i + 1))));
  return values;
}

template <class T>
double sum_of(const std::vector<T>& values) {
  double sum = 0;
  for (const T each : values) sum += number(each);
  return sum;
}

// log of the sum of e^x
double logsumexp(const std::vector<double>& x) {
  const double largest = *std::max_element(x.begin(), x.end());
  double sum = 0;
  for (const double each : x) sum += std::exp(each - largest);
  return largest + std::log(sum);
}

template <class T>
class DistillationKernelsTest : public testing::Test {
 protected:
  // body(count) for every processor; counts below, beside and beyond a vector and a piece of a row
  template <class Body>
  void everywhere(Body body) {
    on_every_processor([&] {
      for (const int64_t count : {1, 3, 16, 37, 4096, 9001}) {
        SCOPED_TRACE(std::to_string(count) + " classes");
        body(count);
      }
    });
  }
};
TYPED_TEST_SUITE(DistillationKernelsTest, StoredTypes);

TYPED_TEST(DistillationKernelsTest, TargetsAreASoftmax) {
  using T = TypeParam;
  using F = Compute<T>;
  this->everywhere([](int64_t count) {
    const std::vector<F> logits = waves<F>(count, 1.3);
    const std::vector<F> center = waves<F>(count, 0.7);
    std::vector<T> p(static_cast<size_t>(count));
    const TargetRow row = distillation_kernels<T>().target(
        logits.data(), center.data(), static_cast<F>(kInverseTemp), count, p.data());
    std::vector<double> x(p.size());
    for (size_t i = 0; i < p.size(); ++i)
      x[i] = (number(logits[i]) - number(center[i])) * kInverseTemp;
    const double lse = logsumexp(x);
    double entropy = 0;
    for (size_t i = 0; i < p.size(); ++i) {
      const double expected = std::exp(x[i] - lse);
      entropy -= expected * (x[i] - lse);
      EXPECT_NEAR(number(p[i]), expected, kTolerance<T> * expected);
    }
    EXPECT_NEAR(row.entropy, entropy, 2e-6 * (1 + entropy));
    double largest = -1e9;
    for (const double each : x) largest = std::max(largest, each);
    EXPECT_NEAR(x[static_cast<size_t>(row.first)], largest, 1e-6);
    EXPECT_NEAR(row.mass, sum_of(p), 2e-6) << "of what is stored";
  });
}

TYPED_TEST(DistillationKernelsTest, CrossEntropyAndItsSlope) {
  using T = TypeParam;
  using F = Compute<T>;
  this->everywhere([](int64_t count) {
    for (const size_t num_targets : {0, 1, 3}) {
      const std::vector<F> logits = waves<F>(count, 2.9);
      std::vector<std::vector<T>> targets;
      std::vector<const T*> rows;
      double mass = 0;
      for (size_t q = 0; q < num_targets; ++q) {
        targets.push_back(waves<T>(count, 0.3 + static_cast<double>(q)));
        mass += sum_of(targets.back());
      }
      rows.reserve(num_targets);
      for (const std::vector<T>& each : targets) rows.push_back(each.data());
      std::vector<F> slope(static_cast<size_t>(count));
      const double value = distillation_kernels<T>().cross_entropy(
          logits.data(), rows.data(), static_cast<int64_t>(num_targets), mass,
          static_cast<F>(kInverseTemp), count, slope.data());
      std::vector<double> s;
      s.reserve(slope.size());
      for (const F each : logits) s.push_back(number(each) * kInverseTemp);
      const double lse = logsumexp(s);
      double expected = mass * lse;
      for (size_t i = 0; i < slope.size(); ++i) {
        double p = 0;
        for (const std::vector<T>& each : targets) p += number(each[i]);
        expected -= p * s[i];
        const double gradient = (mass * std::exp(s[i] - lse) - p) * kInverseTemp;
        ASSERT_NEAR(number(slope[i]), gradient, 2e-5 * (1 + std::abs(gradient))) << i;
      }
      const double size = 1 + std::abs(mass) * (std::abs(lse) + kInverseTemp) +
                          static_cast<double>(count) * kInverseTemp;
      EXPECT_NEAR(value, expected, 1e-6 * size);
    }
  });
}

TEST(DistillationKernels, OfTwoLargestTheFirstIsChosen) {
  on_every_processor([] {
    for (const int64_t count : {5, 37, 64}) {
      for (int64_t place = 0; place + 1 < count; ++place) {
        std::vector<float> logits(static_cast<size_t>(count), -1.0F);
        const std::vector<float> center(logits.size());
        logits[static_cast<size_t>(place)] = 0.5F;
        logits.back() = 0.5F;
        std::vector<float> p(logits.size());
        EXPECT_EQ(distillation_kernels<float>()
                      .target(logits.data(), center.data(), 5, count, p.data())
                      .first,
                  place);
      }
    }
  });
}

TEST(DistillationKernels, WhatIsNotFiniteStaysSo) {
  on_every_processor([] {
    for (const float bad :
         {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity()}) {
      for (const size_t place : {size_t{2}, size_t{36}}) {
        std::vector<float> logits = waves<float>(37, 1.3);
        logits[place] = bad;
        const std::vector<float> center(37);
        std::vector<float> p(37);
        std::vector<float> slope(37);
        const TargetRow row =
            distillation_kernels<float>().target(logits.data(), center.data(), 5, 37, p.data());
        EXPECT_TRUE(std::isnan(row.entropy));
        EXPECT_TRUE(std::isnan(row.mass));
        const std::vector<float> targets(37, 1.0F / 37);
        const float* const one = targets.data();
        EXPECT_TRUE(std::isnan(distillation_kernels<float>().cross_entropy(
            logits.data(), &one, 1, 1, 5, 37, slope.data())));
      }
    }
  });
}

}  // namespace
}  // namespace spc
