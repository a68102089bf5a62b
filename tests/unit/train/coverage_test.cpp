#include "train/coverage.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>

#include "dist/thread_communicator.h"
#include "unit/temporary_folder.h"

namespace spc {
namespace {

constexpr int64_t kCoverageUtts = 13;
constexpr uint64_t kCoverageSeed = 21;

struct Course {
  int ranks = 1;
  int64_t batch_size = 4;
  int64_t first_step = 0;
  int64_t steps = 12;
};
using Tamper = std::function<void(int rank, int64_t step, std::vector<Sampler::Place>& places)>;

void run_course(const Course& course, const Tamper& tamper = nullptr) {
  run_thread_ranks(course.ranks, [&](Communicator& comm) {
    Sampler sampler(kCoverageUtts, kCoverageSeed);
    EpochCoverage coverage(kCoverageUtts, kCoverageSeed, course.first_step * course.batch_size,
                           comm);
    const RowRange rows = rows_of_rank(course.batch_size, comm.rank(), comm.world_size());
    for (int64_t step = course.first_step; step < course.steps; ++step) {
      std::vector<Sampler::Place> places;
      for (int64_t row = rows.begin; row < rows.end; ++row)
        places.push_back(sampler.at(step * course.batch_size + row));
      if (tamper) tamper(comm.rank(), step, places);
      coverage.add(places, (step + 1) * course.batch_size);
    }
  });
}

TEST(EpochCoverage, IsContentWhenRanksShareTheSequence) {
  for (const int ranks : {1, 2, 3}) {
    for (const int64_t batch_size : {3, 4, 13})
      EXPECT_NO_THROW(run_course({ranks, batch_size})) << ranks << " ranks, batch " << batch_size;
  }
}

TEST(EpochCoverage, TakesBatchesLargerThanTheCorpus) {
  EXPECT_NO_THROW(run_course({1, 26}));
  EXPECT_NO_THROW(run_course({2, 35}));
  EXPECT_NO_THROW(run_course({3, 100}));
}

TEST(EpochCoverage, OwesOnlyTheRestOfAnEpochThatIsContinued) {
  for (int64_t first = 1; first < 8; ++first)
    EXPECT_NO_THROW(run_course({2, 4, first, 12})) << "from step " << first;
}

// Within the epoch that ends in step `step`; nothing must be said before.
TEST(EpochCoverage, FindsARowThatWasLeftOut) {
  for (const int ranks : {1, 2, 3}) {
    const std::string message = message_of([&] {
      run_course({ranks, 4}, [&](int rank, int64_t step, auto& places) {
        if (rank == ranks - 1 && step == 4) places.pop_back();
      });
    });
    EXPECT_THAT(message, testing::HasSubstr(
                             "epoch 1 did not show every utterance exactly once over all ranks"))
        << ranks << " ranks";
  }
}

TEST(EpochCoverage, FindsARowThatCameTwiceInPlaceOfAnother) {
  for (const int ranks : {1, 2}) {
    const std::string message = message_of([&] {
      run_course({ranks, 8}, [&](int rank, int64_t step, auto& places) {
        if (rank == 0 && step == 0) places[0] = places[1];
      });
    });
    EXPECT_THAT(message, testing::HasSubstr(
                             "epoch 0 did not show every utterance exactly once over all ranks"))
        << ranks << " ranks";
  }
}

TEST(EpochCoverage, FindsRanksThatReadTheSameRows) {
  EXPECT_THROW(run_course({2, 4},
                          [](int rank, int64_t step, auto& places) {
                            Sampler sampler(kCoverageUtts, kCoverageSeed);
                            for (size_t row = 0; row < places.size(); ++row)
                              places[row] = sampler.at(step * 4 + static_cast<int64_t>(row));
                            EXPECT_LT(rank, 2);
                          }),
               Error);
}

TEST(EpochCoverage, AnEpochThatDidNotEndIsNotJudged) {
  EXPECT_NO_THROW(run_course({2, 4, 0, 3}, [](int, int64_t, auto& places) { places.clear(); }));
}

}  // namespace
}  // namespace spc
