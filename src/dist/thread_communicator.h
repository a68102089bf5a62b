// Ranks that are threads: of one process, or of several processes together. They make the same
// promises as processes do.
#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "dist/communicator.h"

namespace spc {

inline constexpr double kThreadTimeoutSeconds = 600;

/// Runs `body(communicator)` on `num_threads` threads, one rank each, and returns when all have
/// ended. An exception of one rank ends the waits of the others and is thrown here.
void run_thread_ranks(int num_threads, const std::function<void(Communicator&)>& body,
                      double timeout_s = kThreadTimeoutSeconds);

/// The same on every process of `processes`: `num_threads` ranks in each, consecutive ones.
/// Collective.
///
/// A sum is taken by one balanced binary tree over all ranks in rank order: with powers of two it
/// has the same bits however the ranks are spread over processes.
void run_thread_ranks(Communicator& processes, int num_threads,
                      const std::function<void(Communicator&)>& body,
                      double timeout_s = kThreadTimeoutSeconds);

}  // namespace spc
