#include "kernels/update_kernels.h"

#include <gtest/gtest.h>

#include <cmath>
#include <string>
#include <vector>

#include "unit/kernels/processors.h"

namespace spc {
namespace {

template <class F>
class UpdateKernelsTest : public testing::Test {
 protected:
  using Numbers = std::vector<F>;

  static Numbers wave(int64_t count, double phase) {
    Numbers numbers;
    for (int64_t i = 0; i < count; ++i)
      numbers.push_back(static_cast<F>(1.5 + std::sin(0.9 * static_cast<double>(i) + phase)));
    return numbers;
  }
  static void expect_near(const Numbers& actual, const std::vector<double>& wanted,
                          const std::string& what) {
    const double tolerance = sizeof(F) == 4 ? 1e-6 : 1e-14;
    for (size_t i = 0; i < actual.size(); ++i)
      ASSERT_NEAR(actual[i], wanted[i], tolerance * (1 + std::abs(wanted[i]))) << what << " " << i;
  }
  // Updates by hand(i, gradient) -> the new parameter, and by the kernel; with an average and
  // without.
  template <class Kernel, class Hand>
  static void compare(Kernel kernel, Hand hand) {
    on_every_processor([&] {
      for (const int64_t count : {1, 7, 16, 37, 200})
        for (const bool averaged : {false, true}) {
          SCOPED_TRACE(std::to_string(count) + (averaged ? ", averaged" : ""));
          Numbers parameter = wave(count, 0);
          Numbers average = wave(count, 3);
          const Numbers gradient = wave(count, 1);
          std::vector<double> wanted;
          std::vector<double> wanted_average;
          for (size_t i = 0; i < parameter.size(); ++i) {
            wanted.push_back(hand(i, double{parameter[i]}, 0.25 * double{gradient[i]}));
            wanted_average.push_back(averaged ? 0.75 * double{average[i]} + 0.25 * wanted[i]
                                              : double{average[i]});
          }
          kernel(Updated<F>{parameter.data(), gradient.data(), F{0.25},
                            averaged ? average.data() : nullptr, F{0.75}, count});
          expect_near(parameter, wanted, "parameter");
          expect_near(average, wanted_average, "average");
        }
    });
  }
};
using UpdatedTypes = testing::Types<float, double>;
TYPED_TEST_SUITE(UpdateKernelsTest, UpdatedTypes);

TYPED_TEST(UpdateKernelsTest, Sgd) {
  using F = TypeParam;
  std::vector<F> momentum;
  this->compare(
      [&](const Updated<F>& of) {
        momentum = this->wave(of.count, 2);
        update_kernels<F>().sgd(of, {F{0.125}, F{0.5}, F{0.25}}, momentum.data());
      },
      [&](size_t i, double parameter, double gradient) {
        const double old = this->wave(static_cast<int64_t>(i) + 1, 2)[i];
        return parameter - 0.125 * (0.5 * old + gradient + 0.25 * parameter);
      });
}

TYPED_TEST(UpdateKernelsTest, AdamW) {
  using F = TypeParam;
  std::vector<F> mean;
  std::vector<F> square;
  this->compare(
      [&](const Updated<F>& of) {
        mean = this->wave(of.count, 2);
        square = this->wave(of.count, 4);
        update_kernels<F>().adamw(of, {F{0.75}, F{0.5}, F{0.25}, F{0.125}, F{0.5}, F{0.0625}},
                                  mean.data(), square.data());
      },
      [&](size_t i, double parameter, double gradient) {
        const auto count = static_cast<int64_t>(i) + 1;
        const double m = 0.5 * this->wave(count, 2)[i] + 0.5 * gradient;
        const double s = 0.25 * this->wave(count, 4)[i] + 0.75 * gradient * gradient;
        return 0.75 * parameter - 0.125 * m / (std::sqrt(s) / 0.5 + 0.0625);
      });
}

TYPED_TEST(UpdateKernelsTest, AverageAlone) {
  using F = TypeParam;
  this->compare(
      [](const Updated<F>& of) {
        if (of.average != nullptr) update_kernels<F>().average(of);
      },
      [](size_t, double parameter, double) { return parameter; });
}

}  // namespace
}  // namespace spc
