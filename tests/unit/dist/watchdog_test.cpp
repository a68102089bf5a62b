#include "dist/watchdog.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <mutex>

#include "dist/thread_communicator.h"
#include "unit/dist/waiting.h"

namespace spc {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::StartsWith;

constexpr Watchdog::Limits kPatient{600, 600, 0.01};

void no_trouble(const Watchdog&, const std::string& what) {
  ADD_FAILURE() << what;
}

class WatchdogRanks : public testing::TestWithParam<int> {};

TEST_P(WatchdogRanks, AllHearOfAllAndPartInPeace) {
  const int world = GetParam();
  run_thread_ranks(world, [&](Communicator& comm) {
    Watchdog dog(comm, kPatient, no_trouble);
    dog.enter(comm.rank() % 2 == 0 ? "data" : "step", 100 + comm.rank());
    dog.note_own_times(0.5 + comm.rank(), 0.25);
    EXPECT_TRUE(comes_true([&] {
      const std::vector<Position> ranks = dog.positions();
      return std::all_of(ranks.begin(), ranks.end(),
                         [](const Position& rank) { return rank.step >= 100; });
    }));
    const std::vector<Position> ranks = dog.positions();
    for (int r = 0; r < world; ++r) {
      const Position& rank = ranks[static_cast<size_t>(r)];
      EXPECT_EQ(rank.step, 100 + r);
      EXPECT_EQ(rank.phase, r % 2 == 0 ? "data" : "step");
      EXPECT_EQ(rank.compute_s, 0.5 + r);
      EXPECT_EQ(rank.data_s, 0.25);
      EXPECT_FALSE(rank.host.empty());
      EXPECT_LT(rank.silent_s, 5);
    }
    comm.barrier("all have heard of all");
    const Stopwatch parting;
    dog.stop();
    EXPECT_LT(parting.seconds(), 4) << "nobody had to be waited for";
  });
}

INSTANTIATE_TEST_SUITE_P(World, WatchdogRanks, testing::Values(1, 2, 3, 5, 8));

TEST(Watchdog, ARankThatFallsSilentIsNamedByAllOthers) {
  std::atomic<int> alive = 3;
  std::mutex mutex;
  std::vector<std::string> said;
  run_thread_ranks(4, [&](Communicator& comm) {
    std::atomic<bool> heard = false;
    Watchdog dog(comm, {600, 0.4, 0.02}, [&](const Watchdog& self, const std::string& what) {
      const std::lock_guard lock(mutex);
      said.push_back(what + "; " + self.report().back());
      heard = true;
    });
    EXPECT_TRUE(comes_true([&] { return dog.positions()[2].heard; }));
    comm.barrier("all have heard of it");
    if (comm.rank() == 2) return;  // without a goodbye
    EXPECT_TRUE(comes_true([&] { return heard.load(); }));
    --alive;
    EXPECT_TRUE(comes_true([&] { return alive == 0; })) << "living ranks go on beating";
  });
  ASSERT_EQ(said.size(), 3U);
  for (const std::string& text : said)
    EXPECT_THAT(text, AllOf(StartsWith("rank 2 was not heard of for 0.4 s; suspect: rank 2 on "),
                            HasSubstr(": silent, so it is stopped")));
}

TEST(Watchdog, NoProgressIsTroubleOnce) {
  run_thread_ranks(1, [&](Communicator& comm) {
    std::mutex mutex;
    std::vector<std::string> said;
    Watchdog dog(comm, {0.2, 600, 0.02}, [&](const Watchdog&, const std::string& what) {
      const std::lock_guard lock(mutex);
      said.push_back(what);
    });
    for (int i = 0; i < 8; ++i) {
      dog.enter("step", i);
      nap(50);
    }
    {
      const std::lock_guard lock(mutex);
      EXPECT_THAT(said, ElementsAre()) << "it moved";
    }
    nap(800);
    const std::lock_guard lock(mutex);
    EXPECT_THAT(said, ElementsAre("no progress for 0.2 s"));
  });
}

TEST(Watchdog, AnsweredCollectivesAreProgress) {
  run_thread_ranks(1, [&](Communicator& comm) {
    Watchdog dog(comm, {0.3, 600, 0.02}, no_trouble);
    for (int i = 0; i < 12; ++i) {
      const WaitLog::Scope answered(*comm.waits(), "bucket");
      nap(50);
    }
    dog.stop();
  });
}

TEST(Watchdog, OwnTimesAreAMovingAverage) {
  run_thread_ranks(1, [&](Communicator& comm) {
    Watchdog dog(comm, kPatient, no_trouble);
    dog.note_own_times(1, 0);
    dog.note_own_times(2, 1);
    EXPECT_DOUBLE_EQ(dog.positions()[0].compute_s, 1.1);
    for (int i = 0; i < 100; ++i) dog.note_own_times(2, 1);
    EXPECT_NEAR(dog.positions()[0].compute_s, 2, 1e-3);
    EXPECT_NEAR(dog.positions()[0].data_s, 1, 1e-3);
    dog.stop();
  });
}

}  // namespace
}  // namespace spc
