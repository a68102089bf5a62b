#include "eval/as_norm.h"

#include <gmock/gmock.h>

#include <algorithm>
#include <tuple>

#include "base/error.h"
#include "unit/eval/made_up.h"
#include "unit/reference.h"
#include "unit/temporary_folder.h"

namespace spc {
namespace {

using testing::HasSubstr;

class AsNorm : public testing::Test {
 protected:
  AsNorm() {
    back_end_.mean = mean_embedding(others_.values, kMadeUpDim);
    rows_ = unit_rows(tried_.values, kMadeUpDim, tried_.utts, std::span(&trials_, 1), back_end_);
    scores_ = cosine_scores(rows_, trials_);
  }
  [[nodiscard]] Cohort utterances(int64_t count, uint64_t seed) const {
    return cohort_of_utterances(others_.values, kMadeUpDim, others_.utts, count, seed, back_end_);
  }
  void expect_scores(const std::vector<double>& scores, const std::string& key) {
    const std::vector<double>& expected = reference_.at(key);
    ASSERT_EQ(scores.size(), expected.size());
    for (size_t n = 0; n < scores.size(); ++n) EXPECT_NEAR(scores[n], expected[n], 1e-6) << n;
  }
  std::vector<double> normalised(const Cohort& cohort, int64_t top_n) {
    std::vector<double> scores = scores_;
    as_norm(rows_, trials_, cohort_statistics(rows_, cohort, top_n, 2), scores);
    return scores;
  }

  Reference reference_ = read_reference("scores.txt");
  MadeUp tried_ = make_up(40, 8, 0);
  MadeUp others_ = make_up(30, 6, 0.5);
  Trials trials_ = all_pairs(tried_.speakers);
  BackEnd back_end_;
  UnitRows rows_;
  std::vector<double> scores_;
};

TEST_F(AsNorm, CosinesAreThoseOfNumPy) {
  expect_scores(scores_, "cosine");
}

TEST_F(AsNorm, ByTheMeansOfSpeakersItIsThatOfNumPy) {
  const std::vector<std::string> names{"0", "1", "2", "3", "4", "5", "of none"};
  const Cohort cohort =
      cohort_of_classes(others_.values, kMadeUpDim, others_.speakers, names, back_end_);
  EXPECT_EQ(cohort.size(), 6) << "a speaker without an utterance is no member";
  expect_scores(normalised(cohort, 4), "as_norm_speakers");
}

TEST_F(AsNorm, ByUtterancesItIsThatOfNumPy) {
  expect_scores(normalised(utterances(0, 1), 20), "as_norm_utterances");
}

TEST_F(AsNorm, UtterancesAreDrawnOnceEach) {
  const Cohort all = utterances(30, 7);
  EXPECT_EQ(all.values, utterances(0, 1).values) << "as many as there are: all, in their order";
  const Cohort some = utterances(10, 7);
  EXPECT_EQ(some.size(), 10);
  EXPECT_EQ(some.values, utterances(10, 7).values);
  EXPECT_NE(some.values, utterances(10, 8).values);
  std::vector<double> firsts;
  for (size_t i = 0; i < 10; ++i) firsts.push_back(some.values[i * kMadeUpDim]);
  std::sort(firsts.begin(), firsts.end());
  EXPECT_EQ(std::adjacent_find(firsts.begin(), firsts.end()), firsts.end());
}

TEST_F(AsNorm, ManyRowsAreAsFew) {
  // More rows than are taken at a time.
  const MadeUp many = make_up(1300, 8, 0);
  Trials trials;
  for (int32_t row = 0; row + 1 < 1300; ++row) {
    trials.enrol.push_back(row);
    trials.test.push_back(row + 1);
    trials.target.push_back(0);
  }
  const UnitRows rows =
      unit_rows(many.values, kMadeUpDim, many.utts, std::span(&trials, 1), back_end_);
  const CohortStatistics of_many = cohort_statistics(rows, utterances(0, 1), 5, 1);
  const CohortStatistics of_few = cohort_statistics(rows_, utterances(0, 1), 5, 1);
  ASSERT_EQ(of_many.mean.size(), 1300u);
  for (size_t i = 0; i < 40; ++i) {
    const auto slot = static_cast<size_t>(rows.slot_of_row[i]);
    const auto slot_of_few = static_cast<size_t>(rows_.slot_of_row[i]);
    EXPECT_NEAR(of_many.mean[slot], of_few.mean[slot_of_few], 1e-12);
    EXPECT_NEAR(of_many.deviation[slot], of_few.deviation[slot_of_few], 1e-12);
  }
}

TEST_F(AsNorm, ACohortWithoutDifferencesIsRefused) {
  EXPECT_THAT(message_of([&] { cohort_statistics(rows_, utterances(0, 1), 1, 1); }),
              HasSubstr("equally like all 1 nearest members"));
}

TEST_F(AsNorm, AMemberThatIsNotFiniteIsNamed) {
  others_.values[3 * kMadeUpDim + 2] = NAN;
  EXPECT_THAT(message_of([&] { std::ignore = utterances(0, 1); }),
              HasSubstr("the embedding of cohort utterance 'u3' has the value nan at 2"));
}

}  // namespace
}  // namespace spc
