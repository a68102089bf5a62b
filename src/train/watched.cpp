#include "train/watched.h"

#include <algorithm>
#include <chrono>
#include <thread>

#include "base/command_line.h"
#include "base/error.h"
#include "base/log.h"

namespace spc {
namespace {

// All ranks know the same. The first one speaks, and its end is that of the others, unless it is
// the one that is stuck.
void report_positions(const Watchdog& watchdog, int rank) {
  const std::vector<std::string> report = watchdog.report();
  if (rank > 0) std::this_thread::sleep_for(std::chrono::milliseconds(1500));
  for (const std::string& line : report) log_error(line);
}

}  // namespace

void run_watched(const WatchLimits& limits, Communicator& comm,
                 const std::function<void(Watchdog&)>& body) {
  const double beat_s = std::min({1.0, limits.timeout_s / 10, limits.silence_s / 10});
  // Waits end by themselves at the limit and say what they waited for; the thread is for all else.
  const Watchdog::Limits dog_limits{limits.timeout_s + 2 * beat_s, limits.silence_s, beat_s};
  Watchdog watchdog(comm, dog_limits, [&](const Watchdog& dog, const std::string& what) {
    report_positions(dog, comm.rank());
    log_error(concat(what, "; the ranks are ended"));
    comm.abort(kExitFailed);
  });
  try {
    body(watchdog);
  } catch (const TimeoutError&) {
    report_positions(watchdog, comm.rank());
    throw;
  }
  watchdog.stop();
}

}  // namespace spc
