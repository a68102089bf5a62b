#include "launcher/attempt.h"

#include <csignal>

#include "base/clock.h"
#include "base/error.h"
#include "base/process.h"
#include "launcher/child.h"

namespace spc {
namespace {

constexpr double kPumpSeconds = 0.1;
// Saving takes seconds; a rank that does not end after this long never will.
constexpr double kSaveSeconds = 120;
constexpr double kTerminateSeconds = 10;
constexpr double kRepeatSeconds = 1;

enum class Health { kFine, kHostFailed, kNeverMet };

// A request to stop goes to the ranks as SIGUSR1, which mpirun and srun pass on without killing
// them; then ever more firmly. So does the end of a job that is not fine: mpirun may wait for
// ever for a host that is gone or that it cannot reach.
class Stopper {
 public:
  void watch(const Child& child, Health health) {
    if (sent_ == 0 && stop_requested()) send(child, SIGUSR1);
    // Until its ranks are there mpirun takes the signal and passes it on to nobody.
    if (sent_ == 1 && stop_requested() && since_repeat_.seconds() > kRepeatSeconds) {
      child.signal(SIGUSR1);
      since_repeat_ = {};
    }
    if (sent_ == 0 && health != Health::kFine) {
      sent_ = 1;
      since_ = {};
    }
    const double patience = health == Health::kFine         ? kSaveSeconds
                            : health == Health::kHostFailed ? kTerminateSeconds
                                                            : 0;
    if (sent_ == 1 && since_.seconds() > patience) send(child, SIGTERM);
    if (sent_ == 2 && since_.seconds() > kTerminateSeconds) send(child, SIGKILL);
  }

 private:
  void send(const Child& child, int signal) {
    child.signal(signal);
    ++sent_;
    since_ = {};
    since_repeat_ = {};
  }
  int sent_ = 0;
  Stopwatch since_;
  Stopwatch since_repeat_;
};

}  // namespace

int run_ranks(const LaunchPlan& plan, RankOutput& output, double start_timeout_s) {
  Child child(plan.command);
  Stopper stopper;
  const Stopwatch since_start;
  Health health = Health::kFine;
  while (child.pump(kPumpSeconds, [&](const std::string& line) { output.take(line); })) {
    if (health == Health::kFine && !output.failed_host().empty()) health = Health::kHostFailed;
    if (health == Health::kFine && plan.ranks > 1 && !output.have_met() && start_timeout_s > 0 &&
        since_start.seconds() > start_timeout_s) {
      health = Health::kNeverMet;
      output.fail(concat("the ranks have not found each other within ", start_timeout_s,
                         " s (--start-timeout): can the hosts open connections to each other, or "
                         "does a firewall stand between them?"));
    }
    stopper.watch(child, health);
  }
  return child.exit_code();
}

}  // namespace spc
