// Starts the plan, watches it, starts it again.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "launcher/plan.h"
#include "launcher/rank_output.h"
#include "launcher/run_state.h"

namespace spc {

/// How one attempt ended, and what is to follow.
struct Attempt {
  int exit_code = 0;
  bool stop_asked = false;  // of the launcher, while it ran
  bool got_going = false;   // every rank had opened its input
  Progress before;
  Progress after;
  std::string error;        // the last one that a rank printed
  std::string failed_host;  // the one that mpirun or srun blamed

  [[nodiscard]] bool gained() const { return after.made > before.made; }
};

struct Decision {
  bool restart = false;
  int exit_code = 0;    // when not
  std::string because;  // for the person at the terminal; empty: nothing to say
};

/// Restart or not. Pure. A wrong command line, a run that fails before it gets going with an error
/// of its own, and one that fails twice alike without a new checkpoint are not worth another try.
/// @param last  the attempt that just ended   @param before  the one before it, or null
/// @param restarts  done so far
Decision decide(const Attempt& last, const Attempt* before, int restarts, int max_restarts);

/// A host that was blamed twice leaves if enough slots for `min_ranks` stay; min_ranks 0: never.
/// @returns the hosts that stay
std::vector<Host> without_failing_hosts(const std::vector<Host>& hosts,
                                        const std::map<std::string, int>& blames, int min_ranks);

/// Seconds to wait before restart number `restarts` (from 0) since the last gain, at most 60.
double backoff_seconds(double first, int restarts);

/// Runs the command to its end. SIGINT, SIGTERM and SIGUSR1 of this process become a SIGUSR1 to the
/// ranks, which save and end.
/// @param say  takes lines for the terminal   @returns the launcher's exit code
int supervise(const LaunchOptions& options, std::vector<Host> hosts,
              const Surroundings& surroundings, const std::function<void(const std::string&)>& say);

}  // namespace spc
