// What the threads of this process give to collectives and wait for in them: for reports of a stuck
// run, and to tell a rank's own time from the time it spends on others.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <list>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <thread>

#include "base/clock.h"

namespace spc {

/// Thread-safe.
class WaitLog {
  struct Entry {
    std::string what;
    Stopwatch since;
  };

 public:
  /// Notes a wait of the calling thread, from construction to destruction.
  class Scope {
   public:
    /// @param own  it is this rank's own work, or that too: not counted as waiting for others
    Scope(WaitLog& log, const std::string& what, bool own = false);
    ~Scope();
    /// The wait was too long. It stays in the log: until the process ends this is where it is, and
    /// a report that is written while the failure is on its way up must say so.
    void give_up() { given_up_ = true; }
    Scope(const Scope&) = delete;
    Scope& operator=(const Scope&) = delete;

   private:
    WaitLog& log_;
    std::list<Entry>::iterator entry_;
    bool own_;
    bool given_up_ = false;
  };

  struct Wait {
    std::string what;
    double seconds = 0;
  };
  /// The one under way, or given up, that began first.
  [[nodiscard]] std::optional<Wait> longest() const;
  /// Waits that have ended: a number that rises while ranks still talk to each other.
  [[nodiscard]] int64_t num_ended() const;
  /// A collective was given so much of this rank's, between processes.
  void add_bytes(size_t bytes) { bytes_ += static_cast<int64_t>(bytes); }
  [[nodiscard]] int64_t bytes() const { return bytes_; }
  /// What the calling thread has spent waiting for others so far.
  [[nodiscard]] double seconds_of_this_thread() const;

 private:
  mutable std::mutex mutex_;
  std::list<Entry> entries_;  // oldest first
  int64_t ended_ = 0;
  std::atomic<int64_t> bytes_ = 0;
  std::map<std::thread::id, double> seconds_;
};

/// Time that the calling thread spends otherwise than waiting for other ranks.
class OwnTime {
 public:
  /// @param waits  must outlive this
  explicit OwnTime(const WaitLog& waits) : waits_(waits), before_(waits.seconds_of_this_thread()) {}
  /// Since construction.
  [[nodiscard]] double seconds() const {
    return since_.seconds() - (waits_.seconds_of_this_thread() - before_);
  }

 private:
  const WaitLog& waits_;
  double before_;
  Stopwatch since_;
};

}  // namespace spc
