// Work of all ranks under a watchdog.
#pragma once

#include <functional>

#include "dist/communicator.h"
#include "dist/watchdog.h"

namespace spc {

struct WatchLimits {
  double timeout_s = 600;  // of the communicators' waits, and without progress
  double silence_s = 60;   // without news of some rank
};

/// Runs `body`. A rank that is gone, stuck or silent is named with every rank's position: either
/// `body` throws because a wait was too long, or the watchdog ends the job with exit code 1.
/// Collective.
void run_watched(const WatchLimits& limits, Communicator& comm,
                 const std::function<void(Watchdog&)>& body);

}  // namespace spc
