// The order of training at the size of VoxCeleb2's development set.
#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

#include "dist/communicator.h"
#include "loader/sampler.h"

namespace spc {
namespace {

constexpr int64_t kFullUtts = 1'092'009;
constexpr int64_t kFullBatch = 384;  // does not divide them: batches reach over the end of an epoch
constexpr uint64_t kFullSeed = 1;

// How often the rows of all ranks show each utterance in an epoch.
class Shown {
 public:
  void take_step(int64_t step, int ranks, Sampler& sampler) {
    for (int rank = 0; rank < ranks; ++rank) {
      const RowRange rows = rows_of_rank(kFullBatch, rank, ranks);
      for (int64_t row = rows.begin; row < rows.end; ++row) {
        const Sampler::Place place = sampler.at(step * kFullBatch + row);
        if (place.epoch < 2) ++times_[static_cast<size_t>(place.epoch * kFullUtts + place.utt)];
      }
    }
  }
  [[nodiscard]] int64_t exactly_once(int64_t epoch) const {
    const auto begin = times_.begin() + epoch * kFullUtts;
    return std::count(begin, begin + kFullUtts, 1);
  }

 private:
  std::vector<int8_t> times_ = std::vector<int8_t>(2 * kFullUtts);
};

TEST(FullScale, SixtyFourRanksShowEveryUtteranceOnceInEachOfTwoEpochs) {
  Sampler sampler(kFullUtts, kFullSeed);
  Shown shown;
  for (int64_t step = 0; step * kFullBatch < 2 * kFullUtts; ++step)
    shown.take_step(step, 64, sampler);
  EXPECT_EQ(shown.exactly_once(0), kFullUtts);
  EXPECT_EQ(shown.exactly_once(1), kFullUtts);
}

// Nothing was kept but the step: the rest of the second epoch is what the first process left.
TEST(FullScale, ARunThatGoesOnWithOtherRanksShowsTheRest) {
  constexpr int64_t kStopped = 4321;  // in the second epoch
  Shown shown;
  Sampler before(kFullUtts, kFullSeed);
  for (int64_t step = 0; step < kStopped; ++step) shown.take_step(step, 64, before);
  Sampler after(kFullUtts, kFullSeed);
  for (int64_t step = kStopped; step * kFullBatch < 2 * kFullUtts; ++step)
    shown.take_step(step, 48, after);
  EXPECT_EQ(shown.exactly_once(0), kFullUtts);
  EXPECT_EQ(shown.exactly_once(1), kFullUtts);
}

TEST(FullScale, RanksThatWereStartedApartAgreeOnTheOrder) {
  constexpr int64_t kSecondEpoch = kFullUtts + 654'321;
  Sampler walked(kFullUtts, kFullSeed);
  walked.at(0);
  Sampler jumped(kFullUtts, kFullSeed);
  for (int64_t position = kSecondEpoch; position < kSecondEpoch + 1000; ++position)
    ASSERT_EQ(jumped.at(position).utt, walked.at(position).utt) << position;
}

}  // namespace
}  // namespace spc
