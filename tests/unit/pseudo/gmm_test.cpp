#include "pseudo/gmm.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "pseudo/loss_gate.h"
#include "unit/reference.h"

namespace spc {
namespace {

constexpr double kNoFloor = 1e-12;

class GmmReference : public testing::TestWithParam<const char*> {
 protected:
  [[nodiscard]] const std::vector<double>& values(const std::string& name) const {
    return reference_.at(std::string(GetParam()) + "/" + name);
  }
  [[nodiscard]] std::vector<double> sorted() const {
    std::vector<double> samples = values("samples");
    std::sort(samples.begin(), samples.end());
    return samples;
  }
  void expect_near(const Mixture& mixture, const std::string& name, double tolerance) const {
    const Gaussian* components[] = {&mixture.low, &mixture.high};
    for (size_t i = 0; i < 2; ++i) {
      EXPECT_NEAR(components[i]->weight, values(name + "/weights")[i], tolerance);
      EXPECT_NEAR(components[i]->mean, values(name + "/means")[i], tolerance);
      EXPECT_NEAR(components[i]->variance, values(name + "/variances")[i], tolerance);
    }
  }
  const Reference reference_ = read_reference("gmm.txt");
};

TEST_P(GmmReference, StartsFromTheBestSplit) {
  expect_near(split_in_two(sorted(), kNoFloor), "start", 1e-12);
}

TEST_P(GmmReference, FitsAsScikitLearnDoes) {
  const EmOptions options{1e-10, 100000, kNoFloor};
  const Mixture mixture = fit_mixture(values("samples"), split_in_two(sorted(), kNoFloor), options);
  expect_near(mixture, "fit", 1e-6);
  EXPECT_NEAR(*crossing(mixture), values("threshold")[0], 1e-6);
}
INSTANTIATE_TEST_SUITE_P(Samples, GmmReference, testing::Values("apart", "near", "uneven"));

TEST(Gmm, EqualValuesMakeTwoEqualHalves) {
  const Mixture start = split_in_two({2, 2, 2}, 1e-3);
  const Mixture mixture = fit_mixture({2, 2, 2}, start, EmOptions{});
  for (const Gaussian& component : {mixture.low, mixture.high}) {
    EXPECT_EQ(component.weight, 0.5);
    EXPECT_EQ(component.mean, 2);
    EXPECT_EQ(component.variance, 1e-3);
  }
}

TEST(Gmm, ASpikeKeepsTheLeastVariance) {
  std::vector<double> values(100, -13.8);  // losses of zero
  for (int i = 0; i < 100; ++i) values.push_back(0.01 * i);
  const Mixture mixture = fit_mixture(values, split_in_two(values, 1e-3), EmOptions{});
  EXPECT_EQ(mixture.low.variance, 1e-3);
  EXPECT_NEAR(mixture.low.mean, -13.8, 1e-12);
  EXPECT_NEAR(mixture.low.weight, 0.5, 1e-12);
}

TEST(Gmm, ComponentsComeByTheirMeans) {
  const Mixture start{{0.5, 3, 1}, {0.5, -3, 1}, 0, 0};
  const Mixture mixture = fit_mixture({-3.1, -3, -2.9, 2.9, 3, 3.1}, start, EmOptions{});
  EXPECT_LT(mixture.low.mean, mixture.high.mean);
}

TEST(Gmm, StopsAtTheLimit) {
  const std::vector<double> values{0, 0.4, 0.5, 0.9, 1.4, 1.5};
  EXPECT_EQ(fit_mixture(values, split_in_two(values, 1e-3), EmOptions{0, 7, 1e-3}).iterations, 7);
}

}  // namespace
}  // namespace spc
