// Elapsed time, and the time of day.
#pragma once

#include <chrono>
#include <string>
#include <utility>

namespace spc {

/// Seconds since construction or the last restart(), on a clock that never jumps.
class Stopwatch {
 public:
  [[nodiscard]] double seconds() const {
    return std::chrono::duration<double>(Clock::now() - start_).count();
  }
  /// The seconds so far; starts again from zero.
  double restart() {
    const Clock::time_point now = Clock::now();
    return std::chrono::duration<double>(now - std::exchange(start_, now)).count();
  }

 private:
  using Clock = std::chrono::steady_clock;
  Clock::time_point start_ = Clock::now();
};

/// The time of day of this machine, which may jump.
double seconds_since_1970();
/// The same as text, "2026-01-31 23:59:59 UTC".
std::string utc_now();

}  // namespace spc
