#include "launcher/supervisor.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <csignal>

namespace spc {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

Attempt killed() {
  Attempt attempt;
  attempt.exit_code = 137;
  attempt.got_going = true;
  return attempt;
}

Attempt failed(const std::string& error) {
  Attempt attempt;
  attempt.exit_code = 1;
  attempt.got_going = true;
  attempt.error = error;
  return attempt;
}

TEST(Decide, SomeEndsAreFinal) {
  for (const int code : {0, 2, 75}) {
    Attempt attempt;
    attempt.exit_code = code;
    const Decision decision = decide(attempt, nullptr, 0, 5);
    EXPECT_FALSE(decision.restart);
    EXPECT_EQ(decision.exit_code, code);
    EXPECT_EQ(decision.because, "");
  }
}

TEST(Decide, ADeadRankIsRestartedUntilTheLimit) {
  Attempt attempt = killed();
  attempt.after = {41, "the checkpoint of step 40"};
  attempt.failed_host = "b";
  Decision decision = decide(attempt, &attempt, 4, 5);
  EXPECT_TRUE(decision.restart);
  EXPECT_EQ(decision.because,
            "exit code 137, signal 9 on b; restarting from the checkpoint of step 40, 5 of 5");
  decision = decide(attempt, &attempt, 5, 5);
  EXPECT_FALSE(decision.restart);
  EXPECT_EQ(decision.exit_code, 1);
  EXPECT_EQ(decision.because, "gave up after 5 restarts: exit code 137, signal 9 on b");
}

TEST(Decide, ADeathBeforeTheFirstStepIsRestartedToo) {
  Attempt attempt = killed();
  attempt.got_going = false;
  const Decision decision = decide(attempt, nullptr, 0, 5);
  EXPECT_TRUE(decision.restart);
  EXPECT_THAT(decision.because, HasSubstr("restarting from the beginning"));
}

TEST(Decide, AnErrorOfItsOwnBeforeTheFirstStepIsFinal) {
  Attempt attempt = failed("error: no folder nix");
  attempt.got_going = false;
  const Decision decision = decide(attempt, nullptr, 0, 5);
  EXPECT_FALSE(decision.restart);
  EXPECT_EQ(decision.because, "failed before the first step; not restarted");
  attempt.failed_host = "b";  // then it was the host's, not its own
  EXPECT_TRUE(decide(attempt, nullptr, 0, 5).restart);
}

TEST(Decide, TheSameFailureTwiceIsFinalUnlessACheckpointLiesBetween) {
  Attempt attempt = failed("error: loss is not finite");
  EXPECT_TRUE(decide(attempt, nullptr, 0, 5).restart);
  EXPECT_FALSE(decide(attempt, &attempt, 1, 5).restart);
  EXPECT_EQ(decide(attempt, &attempt, 1, 5).because,
            "failed twice alike at the beginning; not restarted");
  const Attempt full = failed("error: tensor a: No space left on device");
  const Attempt full_elsewhere = failed("error: tensor b: No space left on device");
  EXPECT_FALSE(decide(full_elsewhere, &full, 1, 5).restart) << "the same reason elsewhere";
  const Attempt other = failed("error: disk");
  EXPECT_TRUE(decide(attempt, &other, 1, 5).restart);
  Attempt gained = attempt;
  gained.after.made = 10;
  EXPECT_TRUE(decide(gained, &attempt, 1, 5).restart);
}

TEST(Decide, AStopThatCameBeforeTheRanksListenedLosesNothing) {
  Attempt attempt = killed();
  attempt.stop_asked = true;
  attempt.exit_code = 128 + SIGUSR1;
  EXPECT_EQ(decide(attempt, nullptr, 0, 5).exit_code, 75);
  attempt.exit_code = 137;
  EXPECT_FALSE(decide(attempt, nullptr, 0, 5).restart);
  EXPECT_EQ(decide(attempt, nullptr, 0, 5).exit_code, 1);
}

TEST(FailingHosts, LeaveAfterTheSecondBlameWhileEnoughRanksStay) {
  const std::vector<Host> hosts{{"a", 4}, {"b", 4}, {"c", 4}};
  EXPECT_EQ(without_failing_hosts(hosts, {{"b", 1}}, 4), hosts);
  EXPECT_THAT(without_failing_hosts(hosts, {{"b", 2}}, 8), ElementsAre(hosts[0], hosts[2]));
  EXPECT_EQ(without_failing_hosts(hosts, {{"b", 2}}, 9), hosts);
  EXPECT_EQ(without_failing_hosts(hosts, {{"b", 2}}, 0), hosts) << "not asked for";
  EXPECT_THAT(without_failing_hosts(hosts, {{"a", 3}, {"b", 2}}, 8),
              ElementsAre(hosts[1], hosts[2]));
  EXPECT_EQ(without_failing_hosts(hosts, {{"unknown", 9}}, 4), hosts);
}

TEST(Backoff, DoublesUpToAMinute) {
  EXPECT_EQ(backoff_seconds(1, 0), 1);
  EXPECT_EQ(backoff_seconds(1, 3), 8);
  EXPECT_EQ(backoff_seconds(1, 60), 60);
  EXPECT_EQ(backoff_seconds(0, 3), 0);
}

}  // namespace
}  // namespace spc
