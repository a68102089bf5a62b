#include "loader/sampler.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <numeric>

#include "unit/temporary_folder.h"

namespace spc {
namespace {

using testing::ElementsAre;

TEST(Sampler, AnEpochIsEveryUtteranceOnce) {
  for (const int64_t n : {1, 2, 3, 10, 257, 5000}) {
    for (const int64_t epoch : {0, 1, 77}) {
      std::vector<int32_t> order = Sampler::permutation(n, 3, epoch);
      std::sort(order.begin(), order.end());
      std::vector<int32_t> all(static_cast<size_t>(n));
      std::iota(all.begin(), all.end(), 0);
      ASSERT_EQ(order, all) << n << " utterances, epoch " << epoch;
    }
  }
}

TEST(Sampler, EpochsAndSeedsHaveOrdersOfTheirOwn) {
  const std::vector<int32_t> order = Sampler::permutation(100, 1, 0);
  EXPECT_EQ(order, Sampler::permutation(100, 1, 0));
  EXPECT_NE(order, Sampler::permutation(100, 1, 1));
  EXPECT_NE(order, Sampler::permutation(100, 2, 0));
  // Seed and epoch are not simply added.
  EXPECT_NE(Sampler::permutation(100, 1, 2), Sampler::permutation(100, 2, 1));
}

TEST(Sampler, EveryPlaceMayHoldEveryUtterance) {
  constexpr int kEpochs = 4000;
  std::array<std::array<int, 4>, 4> count{};
  for (int64_t epoch = 0; epoch < kEpochs; ++epoch) {
    const std::vector<int32_t> order = Sampler::permutation(4, 9, epoch);
    for (size_t place = 0; place < 4; ++place) ++count[place][static_cast<size_t>(order[place])];
  }
  for (const auto& row : count) {
    for (const int each : row) EXPECT_NEAR(each, kEpochs / 4, 110);  // four standard deviations
  }
}

// A run that continues relies on these never changing.
TEST(Sampler, OrdersAreWhatTheyAlwaysWere) {
  EXPECT_THAT(Sampler::permutation(10, 1, 0), ElementsAre(2, 5, 4, 0, 9, 7, 8, 6, 3, 1));
  EXPECT_THAT(Sampler::permutation(10, 1, 1), ElementsAre(6, 9, 4, 0, 3, 2, 5, 8, 1, 7));
  std::vector<int32_t> large = Sampler::permutation(100000, 42, 7);
  large.resize(6);
  EXPECT_THAT(large, ElementsAre(52841, 51624, 47904, 59790, 20829, 20121));
}

TEST(Sampler, PositionsRunThroughEpochAfterEpoch) {
  constexpr int64_t kUtts = 7;
  Sampler sampler(kUtts, 5);
  EXPECT_EQ(sampler.num_utts(), kUtts);
  for (int64_t position = 0; position < 5 * kUtts; ++position) {
    const Sampler::Place place = sampler.at(position);
    EXPECT_EQ(place.epoch, position / kUtts);
    EXPECT_EQ(place.utt,
              Sampler::permutation(kUtts, 5, place.epoch)[static_cast<size_t>(position % kUtts)]);
  }
}

TEST(Sampler, AnyPositionMayBeAskedForAtAnyTime) {
  Sampler in_order(7, 5);
  std::vector<int64_t> utts;
  for (int64_t position = 0; position < 42; ++position) utts.push_back(in_order.at(position).utt);
  Sampler jumping(7, 5);
  for (int64_t i = 0; i < 42; ++i) {
    const int64_t position = i * 25 % 42;  // back and forth over the epochs
    EXPECT_EQ(jumping.at(position).utt, utts[static_cast<size_t>(position)]) << position;
  }
}

TEST(Sampler, SlicesOfRanksAreCutsOfTheSameRows) {
  constexpr int64_t kBatch = 6;
  const auto rows_of = [](int64_t ranks, int64_t step) {
    std::vector<int64_t> utts;
    for (int64_t rank = 0; rank < ranks; ++rank) {
      Sampler sampler(20, 8);  // each rank has its own
      for (int64_t row = kBatch * rank / ranks; row < kBatch * (rank + 1) / ranks; ++row)
        utts.push_back(sampler.at(step * kBatch + row).utt);
    }
    return utts;
  };
  for (int64_t step = 0; step < 10; ++step) {
    for (const int64_t ranks : {2, 3, 4})
      EXPECT_EQ(rows_of(ranks, step), rows_of(1, step)) << ranks << " ranks, step " << step;
  }
}

TEST(Sampler, NeedsAnUtterance) {
  EXPECT_EQ(message_of([] { Sampler(0, 1); }), "cannot sample from 0 utterances");
  EXPECT_EQ(message_of([] { Sampler(int64_t{1} << 31, 1); }),
            "cannot sample from 2147483648 utterances");
}

}  // namespace
}  // namespace spc
