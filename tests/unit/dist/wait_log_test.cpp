#include "dist/wait_log.h"

#include <gtest/gtest.h>

#include <thread>

#include "unit/dist/waiting.h"

namespace spc {
namespace {

TEST(WaitLog, KnowsTheWaitThatBeganFirst) {
  WaitLog log;
  EXPECT_FALSE(log.longest().has_value());
  {
    const WaitLog::Scope outer(log, "bucket 1");
    nap(20);
    {
      const WaitLog::Scope inner(log, "bucket 2");
      EXPECT_EQ(log.longest()->what, "bucket 1");
      EXPECT_GE(log.longest()->seconds, 0.02);
    }
    EXPECT_EQ(log.num_ended(), 1);
  }
  EXPECT_FALSE(log.longest().has_value());
  EXPECT_EQ(log.num_ended(), 2);
}

TEST(WaitLog, KeepsAWaitThatWasGivenUp) {
  WaitLog log;
  {
    WaitLog::Scope scope(log, "bucket 1");
    scope.give_up();
  }
  const WaitLog::Scope later(log, "bucket 2");
  EXPECT_EQ(log.longest()->what, "bucket 1");
}

TEST(WaitLog, CountsTheSecondsOfEachThreadForItself) {
  WaitLog log;
  std::thread other([&] {
    const WaitLog::Scope scope(log, "x");
    nap(30);
  });
  other.join();
  EXPECT_EQ(log.seconds_of_this_thread(), 0);
  {
    const WaitLog::Scope scope(log, "y");
    nap(10);
  }
  EXPECT_GE(log.seconds_of_this_thread(), 0.01);
}

TEST(WaitLog, DoesNotCountAWaitForOwnWork) {
  WaitLog log;
  {
    const WaitLog::Scope scope(log, "forward and backward", true);
    nap(10);
    EXPECT_EQ(log.longest()->what, "forward and backward");
  }
  EXPECT_EQ(log.seconds_of_this_thread(), 0);
  EXPECT_EQ(log.num_ended(), 1);
}

TEST(OwnTime, IsWithoutTheWaits) {
  WaitLog log;
  const OwnTime own(log);
  nap(10);
  {
    const WaitLog::Scope scope(log, "y");
    nap(200);
  }
  EXPECT_GE(own.seconds(), 0.01);
  EXPECT_LT(own.seconds(), 0.2);
}

}  // namespace
}  // namespace spc
