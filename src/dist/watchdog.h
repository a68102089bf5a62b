// A thread in every rank that knows where all ranks are, also when no collective gets through any
// more, and ends a run that does not move.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "base/clock.h"
#include "dist/communicator.h"
#include "dist/positions.h"

namespace spc {

/// Ranks tell each other where they are by gossip: every beat each sends all it knows to the rank
/// 1, 2, 4, ... places further, in turn, so that news is everywhere after about log2(world size)
/// beats whoever has died. Thread-safe.
class Watchdog {
 public:
  struct Limits {
    double progress_s = 600;  // without a new phase or an answered collective
    double silence_s = 60;    // without news of some rank
    double beat_s = 1;
  };
  /// Collective. @param on_trouble  called once at most, in the watchdog's thread, when a limit is
  /// passed: with what happened
  Watchdog(Communicator& comm, const Limits& limits,
           std::function<void(const Watchdog&, const std::string& what)> on_trouble);
  /// Ends the thread. Without stop() before, other ranks see this one fall silent.
  ~Watchdog();
  Watchdog(const Watchdog&) = delete;
  Watchdog& operator=(const Watchdog&) = delete;

  /// This rank begins something: "data", "step".
  void enter(const std::string& phase, int64_t step);
  /// Seconds of this rank's last step: its own computation, and waiting for its loader.
  void note_own_times(double compute_s, double data_s);

  /// Of every rank, by rank.
  [[nodiscard]] std::vector<Position> positions() const;
  /// The lines of a report: every rank's position, and the suspect if there is one.
  [[nodiscard]] std::vector<std::string> report() const;
  /// The good end: ranks say goodbye to each other. Collective, but waits for nobody for long.
  void stop();

 private:
  struct Beat;   // what a rank says of itself, as it travels
  struct Known;  // a rank's last message, and when it came
  void run();
  void exchange();
  void merge(const std::string& message);
  [[nodiscard]] std::string trouble();
  void say_goodbye();

  const int rank_;
  const int world_size_;
  const Limits limits_;
  const std::function<void(const Watchdog&, const std::string&)> on_trouble_;
  const std::shared_ptr<WaitLog> waits_;
  std::unique_ptr<Mailbox> mailbox_;
  std::vector<int> partners_;
  size_t turn_ = 0;
  size_t goodbyes_ = 0;
  int64_t ended_waits_ = 0;

  mutable std::mutex mutex_;
  std::condition_variable changed_;
  bool stopping_ = false;
  bool polite_ = false;
  bool moved_ = false;  // since the thread last looked
  double awake_s_ = 0;  // the thread's clock: it stands still while the process is stopped
  double last_progress_s_ = 0;
  std::vector<Known> known_;
  Stopwatch in_phase_;
  std::thread thread_;  // last: it uses the others
};

}  // namespace spc
