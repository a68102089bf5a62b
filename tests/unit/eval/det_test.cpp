#include "eval/det.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <limits>
#include <map>
#include <sstream>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/file.h"
#include "base/random.h"
#include "unit/temporary_folder.h"

namespace spc {
namespace {

struct Scored {
  std::vector<double> scores;
  std::vector<uint8_t> target;

  void add(double score, bool is_target) {
    scores.push_back(score);
    target.push_back(is_target ? 1 : 0);
  }
  DetCurve curve() const { return det_curve(scores, target); }
};

Scored scored(const std::vector<double>& targets, const std::vector<double>& nontargets) {
  Scored result;
  for (const double score : targets) result.add(score, true);
  for (const double score : nontargets) result.add(score, false);
  return result;
}

struct Figures {
  double eer, eer_arg_min, min_dcf_01, min_dcf_05;
  bool operator==(const Figures&) const = default;
};

Figures figures(const Scored& trials) {
  const DetCurve curve = trials.curve();
  return {eer(curve), eer_arg_min(curve), min_dcf(curve, 0.01), min_dcf(curve, 0.05)};
}

struct DetCase {
  const char* name;
  std::vector<double> target, nontarget;
  double eer, eer_arg_min, min_dcf_half;
};
class DetTable : public testing::TestWithParam<DetCase> {};

TEST_P(DetTable, MatchesTheHandComputedValue) {
  const DetCurve curve = scored(GetParam().target, GetParam().nontarget).curve();
  EXPECT_NEAR(eer(curve), GetParam().eer, 1e-15);
  EXPECT_NEAR(eer_arg_min(curve), GetParam().eer_arg_min, 1e-15);
  EXPECT_NEAR(min_dcf(curve, 0.5), GetParam().min_dcf_half, 1e-15);
}

// With p = 0.5 and unit costs, minDCF is the smallest FNR + FPR.
INSTANTIATE_TEST_SUITE_P(
    ByHand, DetTable,
    testing::Values(
        DetCase{"separable", {.9, .8}, {.2, .1}, 0, 0, 0},
        DetCase{"one_swap", {.9, .3}, {.4, .1}, .5, .5, .5},
        DetCase{"reversed", {.1}, {.9}, 1, 1, 1},
        // One tie of everything: the straight line from (0, 1) to (1, 0).
        DetCase{"all_tied", {.5, .5}, {.5, .5, .5}, .5, 1, 1},
        // (FPR, FNR) 0,1  0,1/2  1/3,0 ...: the line from 0,1/2 to 1/3,0 meets the diagonal at 1/5.
        DetCase{"tie_across_labels", {.9, .5}, {.5, .2, .1}, .2, 1.0 / 3, 1.0 / 3},
        // 0,1  0,3/4  1/2,3/4  1/2,1/4: a vertical stretch crosses the diagonal at 1/2.
        DetCase{"more_targets", {.9, .6, .6, .1}, {.7, .3}, .5, .5, .75},
        DetCase{"infinite", {HUGE_VAL, .1}, {-HUGE_VAL, .2}, .5, .5, .5}),
    [](const auto& each) { return std::string(each.param.name); });

TEST(DetCurve, HasOnePointPerDistinctScoreAndBothEnds) {
  const DetCurve curve = scored({.9, .5, .5}, {.5, .1}).curve();
  ASSERT_EQ(curve.points.size(), 4u);
  EXPECT_EQ(curve.fnr(curve.points[0]), 1);
  EXPECT_EQ(curve.fpr(curve.points[0]), 0);
  EXPECT_EQ(curve.fnr(curve.points[2]), 0);
  EXPECT_EQ(curve.fpr(curve.points[2]), .5);
  EXPECT_EQ(curve.fnr(curve.points[3]), 0);
  EXPECT_EQ(curve.fpr(curve.points[3]), 1);
}

TEST(MinDcf, WeighsErrorsByPriorAndCost) {
  // Points (FPR, FNR): 0,1  0,1/2  1/2,1/2  1/2,0  1,0.
  const DetCurve curve = scored({.9, .3}, {.4, .1}).curve();
  EXPECT_NEAR(min_dcf(curve, 0.01), 0.5, 1e-15);         // 0,1/2: .01 * .5 / .01
  EXPECT_NEAR(min_dcf(curve, 0.9), 0.5, 1e-15);          // 1/2,0: .1 * .5 / .1
  EXPECT_NEAR(min_dcf(curve, 0.2, 10, 1), 0.5, 1e-15);   // 1/2,0: .8 * .5 / min(2, .8)
  EXPECT_NEAR(min_dcf(curve, 0.5, 1, 1.5), 0.5, 1e-15);  // 0,1/2: .5 * .5 / min(.5, .75)
}

// From tests/reference/eval.py (scikit-learn's ROC points, exact fractions).
struct Reference {
  std::map<std::string, double> expected;
  Scored trials;
};

Reference read_reference(const std::string& name) {
  Reference reference;
  bool in_trials = false;
  for (const auto& line : read_lines(std::filesystem::path(SPC_REFERENCE_DIR) / name)) {
    const auto words = split_words(line);
    if (words.empty()) {
      in_trials = true;
    } else if (in_trials) {
      reference.trials.add(std::stod(words.at(0)), words.at(1) == "1");
    } else {
      reference.expected[words.at(0)] = std::stod(words.at(1));
    }
  }
  return reference;
}

class DetReference : public testing::TestWithParam<const char*> {};

TEST_P(DetReference, AgreesWithScikitLearn) {
  const auto [expected, trials] = read_reference(GetParam());
  ASSERT_GE(trials.scores.size(), 2000u);
  const DetCurve curve = trials.curve();
  EXPECT_NEAR(eer(curve), expected.at("eer"), 1e-9);
  EXPECT_NEAR(eer_arg_min(curve), expected.at("eer_arg_min"), 1e-9);
  EXPECT_NEAR(min_dcf(curve, 0.01), expected.at("min_dcf_0.01"), 1e-9);
  EXPECT_NEAR(min_dcf(curve, 0.05), expected.at("min_dcf_0.05"), 1e-9);
  EXPECT_NEAR(min_dcf(curve, 0.5, 10), expected.at("min_dcf_0.5_miss_10"), 1e-9);
}

TEST_P(DetReference, OrderOfTrialsDoesNotMatter) {
  const Scored trials = read_reference(GetParam()).trials;
  Scored shuffled = trials;
  Random random(7, {0});
  for (size_t left = shuffled.scores.size(); left > 1; --left) {
    const size_t other = random.below(left);
    std::swap(shuffled.scores[left - 1], shuffled.scores[other]);
    std::swap(shuffled.target[left - 1], shuffled.target[other]);
  }
  ASSERT_NE(shuffled.scores, trials.scores);
  EXPECT_EQ(figures(shuffled), figures(trials));
}

TEST_P(DetReference, RisingTransformOfScoresDoesNotMatter) {
  const Scored trials = read_reference(GetParam()).trials;
  Scored transformed = trials;
  for (double& score : transformed.scores) score = std::exp(3 * score) - 10;
  EXPECT_EQ(figures(transformed), figures(trials));
}

TEST_P(DetReference, SwappedLabelsAndNegatedScoresHaveTheSameEer) {
  const Scored trials = read_reference(GetParam()).trials;
  Scored mirrored;
  for (size_t n = 0; n < trials.scores.size(); ++n) {
    mirrored.add(-trials.scores[n], trials.target[n] == 0);
  }
  EXPECT_NEAR(eer(mirrored.curve()), eer(trials.curve()), 1e-15);
  EXPECT_NEAR(eer_arg_min(mirrored.curve()), eer_arg_min(trials.curve()), 1e-15);
}

INSTANTIATE_TEST_SUITE_P(Stored, DetReference,
                         testing::Values("eval_ties.txt", "eval_continuous.txt"),
                         [](const auto& each) {
                           return std::filesystem::path(each.param).stem().string();
                         });

TEST(DetErrors, NanScoreIsNamed) {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  EXPECT_EQ(message_of([&] {
              scored({.9, nan}, {.1}).curve();
            }),
            "the score of trial 1 (counting from 0) is NaN");
}

TEST(DetErrors, BothKindsOfTrialsAreNeeded) {
  EXPECT_EQ(message_of([] {
              scored({.9, .8}, {}).curve();
            }),
            "EER and minDCF need both kinds of trials: 2 target and 0 nontarget trials given");
  EXPECT_EQ(message_of([] { scored({}, {.9}).curve(); }),
            "EER and minDCF need both kinds of trials: 0 target and 1 nontarget trials given");
}

TEST(DetErrors, PriorAndCostsAreChecked) {
  const DetCurve curve = scored({.9}, {.1}).curve();
  EXPECT_EQ(message_of([&] { min_dcf(curve, 1); }), "p_target = 1, must be between 0 and 1");
  EXPECT_EQ(message_of([&] { min_dcf(curve, .5, 0, 1); }),
            "c_miss = 0 and c_fa = 1 must be positive");
}

}  // namespace
}  // namespace spc
