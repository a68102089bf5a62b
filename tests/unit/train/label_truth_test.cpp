#include "train/label_truth.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <cmath>

namespace spc {
namespace {

// Class 0 has three utterances of speaker 5 and one of speaker 7, class 1 two of speaker 7, class 2
// none that is known.
const TrainingLabels kTruthLabels{{0, 0, 0, 0, 1, 1, 2}, {"a", "b", "c"}};
const std::vector<int32_t> kTruthSpeakers{5, 5, 5, 7, 7, 7, -1};

TEST(LabelTruthTest, CountsWhatIsRight) {
  const LabelTruth truth(kTruthLabels, kTruthSpeakers);
  const auto quality = truth.judge(at::tensor(
      {kTrusted, kTrusted, int64_t{1}, int64_t{1}, kTrusted, kDropped, kTrusted}, at::kLong));
  ASSERT_TRUE(quality.has_value());
  EXPECT_DOUBLE_EQ(quality->precision, 1) << "the seventh's speaker is not known";
  EXPECT_DOUBLE_EQ(quality->recall, 3.0 / 5) << "the fourth's label alone is wrong";
  EXPECT_DOUBLE_EQ(quality->correction_accuracy, 1.0 / 2) << "the fourth's, not the third's";
}

TEST(LabelTruthTest, WithoutAGatePrecisionIsPurity) {
  const LabelTruth truth(kTruthLabels, kTruthSpeakers);
  const auto quality = truth.judge(at::full({7}, kTrusted, at::kLong));
  EXPECT_DOUBLE_EQ(quality->precision, 5.0 / 6);
  EXPECT_DOUBLE_EQ(quality->recall, 1);
  EXPECT_TRUE(std::isnan(quality->correction_accuracy)) << "there is no correction";
}

TEST(LabelTruthTest, WithoutSpeakersThereIsNoJudgement) {
  const LabelTruth truth(kTruthLabels, std::vector<int32_t>(7, -1));
  EXPECT_FALSE(truth.judge(at::full({7}, kTrusted, at::kLong)).has_value());
}

}  // namespace
}  // namespace spc
