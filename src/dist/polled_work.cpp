#include "dist/polled_work.h"

#include <sched.h>

#include <algorithm>
#include <chrono>
#include <thread>

#include "base/clock.h"
#include "base/error.h"

namespace spc {

void poll_until(const std::function<bool()>& done, const std::string& what,
                const WaitRules& rules) {
  constexpr double kSpinSeconds = 200e-6;
  // A process that was stopped for a while has not waited for others meanwhile.
  constexpr double kLongestTurn = 1;
  WaitLog::Scope scope(*rules.waits, what, rules.own);
  Stopwatch turn;
  double seconds = 0;
  while (!done()) {
    SPC_CHECK(!*rules.cancelled, what, " was given up: this rank failed");
    seconds += std::min(turn.restart(), kLongestTurn);
    if (seconds < kSpinSeconds) {
      sched_yield();
      continue;
    }
    if (seconds > rules.timeout_s) {
      scope.give_up();
      throw TimeoutError(concat("rank ", rules.rank, " waited ", rules.timeout_s,
                                " s for the other ranks in ", what,
                                "; one of them is gone or stuck: see its last message. The limit "
                                "is dist.timeout_s, in a check 60 s at "
                                "most"));
    }
    std::this_thread::sleep_for(std::chrono::microseconds(20));
  }
}

}  // namespace spc
