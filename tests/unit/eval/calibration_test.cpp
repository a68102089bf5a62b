#include "eval/calibration.h"

#include <gmock/gmock.h>

#include <cmath>
#include <limits>

#include "base/error.h"
#include "base/random.h"
#include "eval/scoring.h"
#include "unit/eval/made_up.h"
#include "unit/reference.h"
#include "unit/temporary_folder.h"

namespace spc {
namespace {

using testing::HasSubstr;

class CalibrationTest : public testing::Test {
 protected:
  Reference reference_ = read_reference("scores.txt");
  const std::vector<double>& scores_ = reference_.at("cosine");
  Trials trials_ = all_pairs(make_up(40, 8, 0).speakers);
};

TEST_F(CalibrationTest, IsTheLogisticRegressionOfScikitLearn) {
  const Calibration fit = fit_calibration(scores_, trials_.target);
  EXPECT_NEAR(fit.scale, reference_.at("calibration")[0], 1e-6);
  EXPECT_NEAR(fit.offset, reference_.at("calibration")[1], 1e-6);
}

TEST_F(CalibrationTest, CostsAreThoseOfNumPy) {
  EXPECT_NEAR(cllr(scores_, trials_.target), reference_.at("cllr")[0], 1e-12);
  const Calibration fit{reference_.at("calibration")[0], reference_.at("calibration")[1]};
  std::vector<double> ratios = scores_;
  for (double& each : ratios) each = fit(each);
  EXPECT_NEAR(cllr(ratios, trials_.target), reference_.at("cllr")[1], 1e-12);
  EXPECT_NEAR(act_dcf(ratios, trials_.target, 0.01), reference_.at("act_dcf")[0], 1e-12);
  EXPECT_NEAR(act_dcf(ratios, trials_.target, 0.05), reference_.at("act_dcf")[1], 1e-12);
}

// Two Gaussians of variance v at m and -m have the log-likelihood ratio 2 m x / v.
TEST_F(CalibrationTest, FindsTheRatioOfTwoGaussians) {
  Random random(3, {});
  std::vector<double> scores;
  std::vector<uint8_t> target;
  for (int i = 0; i < 40000; ++i) {
    const bool same = i % 5 == 0;  // the share of targets does not matter
    scores.push_back((same ? 0.6 : -0.6) + random.normal());
    target.push_back(same ? 1 : 0);
  }
  const Calibration fit = fit_calibration(scores, target);
  EXPECT_NEAR(fit.scale, 1.2, 0.03);
  EXPECT_NEAR(fit.offset, 0, 0.03);
}

TEST_F(CalibrationTest, ScoresFarFromTheOriginAreFitted) {
  std::vector<double> far = scores_;
  for (double& each : far) each = 1e4 + 1e-3 * each;
  const Calibration fit = fit_calibration(far, trials_.target);
  EXPECT_NEAR(1e-3 * fit.scale / reference_.at("calibration")[0], 1, 1e-6);
  EXPECT_NEAR(fit(1e4), reference_.at("calibration")[1], 1e-3);
}

TEST_F(CalibrationTest, ScoresThatFallWithLikenessAreRefused) {
  std::vector<double> turned = scores_;
  for (double& each : turned) each = -each;
  EXPECT_THAT(message_of([&] { fit_calibration(turned, trials_.target); }),
              HasSubstr("are the labels the other way about?"));
}

TEST_F(CalibrationTest, CostsOfPerfectAndOfNoScores) {
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  const std::vector<uint8_t> target{1, 1, 0, 0};
  const std::vector<double> perfect{kInfinity, 900, -kInfinity, -900};
  EXPECT_EQ(cllr(perfect, target), 0);
  EXPECT_EQ(act_dcf(perfect, target, 0.01), 0);
  const std::vector<double> nothing(4, 0.0);
  EXPECT_DOUBLE_EQ(cllr(nothing, target), 1);
  EXPECT_DOUBLE_EQ(act_dcf(nothing, target, 0.01), 1);
}

TEST_F(CalibrationTest, WhatCannotBeCalibratedIsSaid) {
  const auto message = [](const std::vector<double>& scores, const std::vector<uint8_t>& target) {
    return message_of([&] { fit_calibration(scores, target); });
  };
  EXPECT_THAT(message({2, 3, 0, 1}, {1, 1, 0, 0}), HasSubstr("a threshold tells all target"));
  EXPECT_THAT(message({0, 1, 2, 3}, {1, 1, 0, 0}), HasSubstr("a threshold tells all target"));
  EXPECT_THAT(message({0.5, 0.9, 0.5, -0.3}, {1, 1, 0, 0}),
              HasSubstr("a threshold tells all target"))
      << "but for those right on it";
  EXPECT_THAT(message({1, 1, 1, 1}, {1, 1, 0, 0}), HasSubstr("a threshold tells all target"));
  EXPECT_THAT(message({1, 2}, {1, 1}), HasSubstr("needs target and nontarget trials; 2 and 0"));
  EXPECT_THAT(message({1, NAN}, {1, 0}),
              HasSubstr("the score of trial 1 (counting from 0) is NaN"));
  EXPECT_THAT(message({1, INFINITY, 2}, {1, 0, 0}),
              HasSubstr("is inf, which cannot be calibrated"));
}

}  // namespace
}  // namespace spc
