#include "launcher/child.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <csignal>

#include "base/clock.h"
#include "base/error.h"
#include "unit/temporary_folder.h"

namespace spc {
namespace {

struct Ended {
  std::vector<std::string> lines;
  int exit_code = -1;
};

Ended run(const std::string& script, const std::function<void(const Child&)>& after_a_line = {}) {
  Ended ended;
  Child child({"sh", "-c", script});
  while (child.pump(0.1, [&](const std::string& line) {
    ended.lines.push_back(line);
    if (after_a_line) after_a_line(child);
  })) {
  }
  ended.exit_code = child.exit_code();
  return ended;
}

TEST(Child, EveryLineOfBothStreamsAndTheExitCode) {
  const Ended ended = run("echo out; echo err >&2; printf 'no end'; exit 7");
  EXPECT_EQ(ended.exit_code, 7);
  EXPECT_THAT(ended.lines, testing::UnorderedElementsAre("out", "err", "no end"));
}

TEST(Child, LongOutputLosesNothing) {
  const Ended ended = run("seq 1 100000");
  ASSERT_EQ(ended.lines.size(), 100000);
  EXPECT_EQ(ended.lines.back(), "100000");
}

TEST(Child, ASignalIsToldAsAShellDoes) {
  EXPECT_EQ(run("kill -9 $$").exit_code, 137);
  const Ended ended = run("echo up; sleep 30", [](const Child& child) { child.signal(SIGTERM); });
  EXPECT_EQ(ended.exit_code, 143);
}

TEST(Child, AnOrphanThatHoldsThePipesIsNotWaitedFor) {
  const Stopwatch watch;
  const Ended ended = run("sleep 20 & echo done");
  EXPECT_THAT(ended.lines, testing::ElementsAre("done"));
  EXPECT_LT(watch.seconds(), 15);
}

TEST(Child, ReadsNoTerminal) {
  EXPECT_EQ(run("read line && exit 3; exit 4").exit_code, 4);
}

TEST(Child, AProgramThatIsNotThereIsNamed) {
  EXPECT_EQ(message_of([] {
              Child({"no-such-program", "x"});
            }),
            "cannot start no-such-program: No such file or directory");
}

}  // namespace
}  // namespace spc
