#include <ATen/ATen.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "dist/watchdog.h"
#include "mpi/ranks.h"
#include "unit/dist/waiting.h"

namespace spc {
namespace {

using WatchdogMpi = MpiTest;

void no_trouble(const Watchdog&, const std::string& what) {
  ADD_FAILURE() << what;
}

// The last rank comes late to a reduction; meanwhile the others' messages tell where all are.
TEST_F(WatchdogMpi, KnowsWhoWaitsForWhatAndWhoDoesNot) {
  Watchdog dog(*comm_, {600, 600, 0.02}, no_trouble);
  const bool late = rank_ == world_ - 1;
  dog.enter(late ? "data" : "step", 7);
  const at::Tensor value = at::ones({3});
  std::unique_ptr<Work> work;
  if (late) {
    const auto waiting = [&] {
      int count = 0;
      for (const Position& rank : dog.positions()) count += rank.pending == "a late sum" ? 1 : 0;
      return count == world_ - 1;
    };
    EXPECT_TRUE(comes_true(waiting));
    if (world_ > 1) {
      EXPECT_THAT(dog.report().back(),
                  testing::StartsWith(concat("suspect: rank ", rank_, " on ")));
    }
  }
  comm_->all_reduce_now(value, ReduceOp::kSum, "a late sum");
  EXPECT_EQ(value[0].item<float>(), static_cast<float>(world_));
  const Stopwatch parting;
  dog.stop();
  EXPECT_LT(parting.seconds(), 4) << "nobody had to be waited for";
}

}  // namespace
}  // namespace spc
