#include "dist/positions.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace spc {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

Position at_step(int64_t step, const std::string& pending = "") {
  Position rank;
  rank.host = "a";
  rank.phase = "step";
  rank.step = step;
  rank.pending = pending;
  rank.phase_s = 12.3;
  rank.heard = true;
  return rank;
}

Position silent(double seconds) {
  Position rank = at_step(7);
  rank.host = "b";
  rank.silent_s = seconds;
  return rank;
}

TEST(DescribePositions, GroupsRanksThatSayTheSame) {
  std::vector<Position> ranks(8, at_step(7, "gradient bucket 3"));
  ranks[1] = at_step(7);
  ranks[4] = silent(4.25);
  ranks[6] = Position{};
  EXPECT_THAT(describe_positions(ranks, 3),
              ElementsAre("rank 4 on b: silent for 4.2 s, before that at step 7, step",
                          "rank 6: was never heard of", "rank 1 on a: step 7, step",
                          "ranks 0, 2-3, 5, 7: step 7, step, waits for gradient bucket 3"));
}

TEST(Suspect, IsTheRankThatIsSilentForLongest) {
  EXPECT_EQ(suspect({at_step(7, "x"), silent(4), silent(9), at_step(3)}, 3),
            "rank 2 on b: silent, so it is stopped, out of memory, or its host is cut off");
}

TEST(Suspect, ElseTheOneThatWaitsForNobodyAndIsBehind) {
  EXPECT_EQ(suspect({at_step(7, "x"), at_step(6), at_step(5), at_step(7, "x")}, 3),
            "rank 2 on a: waits for nobody, but is at step 5, step for 12 s");
}

TEST(Suspect, IsNobodyWhenAllWaitOrNobodyDoes) {
  EXPECT_EQ(suspect({at_step(7, "x"), at_step(7, "y")}, 3), "");
  EXPECT_EQ(suspect({at_step(7), at_step(7)}, 3), "");
}

Position taking(double compute_s, double data_s) {
  Position rank = at_step(7);
  rank.compute_s = compute_s;
  rank.data_s = data_s;
  return rank;
}

TEST(FindStraggler, NamesTheRankAndWhatItsTimeGoesTo) {
  const Straggler computing =
      find_straggler({taking(1, 0.1), taking(1.1, 0), taking(1.8, 0), taking(1, 0)}, 1.5);
  EXPECT_EQ(computing.rank, 2);
  EXPECT_EQ(computing.text, "rank 2 on a computes 1.80 s a step, the others 1.00 s");
  const Straggler reading = find_straggler({taking(1, 0.01), taking(1, 0.9)}, 1.5);
  EXPECT_EQ(reading.rank, 1);
  EXPECT_EQ(reading.text, "rank 1 on a waits for data 0.90 s a step, the others 0.01 s");
}

TEST(FindSlowest, SaysHowMuchSlowerThanTheRankInTheMiddle) {
  const SlowestRank found = find_slowest({taking(1, 0), taking(1, 0.5), taking(0.5, 0)});
  EXPECT_EQ(found.rank, 1);
  EXPECT_DOUBLE_EQ(found.ratio, 1.5);
  EXPECT_EQ(find_slowest({taking(1, 0)}).rank, -1) << "alone";
  EXPECT_EQ(find_slowest({taking(0, 0), taking(0, 0)}).rank, -1) << "before the first step";
}

TEST(FindStraggler, FindsNobodyAmongEquals) {
  EXPECT_EQ(find_straggler({taking(1, 0.1), taking(1.3, 0.2), taking(1, 0)}, 1.5).rank, -1);
  EXPECT_EQ(find_straggler({taking(1, 0.1)}, 1.5).rank, -1);
  EXPECT_EQ(find_straggler({taking(0, 0), taking(0, 0)}, 1.5).rank, -1);
  EXPECT_THAT(find_straggler({}, 1.5).text, IsEmpty());
}

}  // namespace
}  // namespace spc
