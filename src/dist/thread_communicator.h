// Ranks that are threads of one process: the same promises as between processes, for tests that
// need several ranks without MPI.
#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "dist/communicator.h"

namespace spc {

/// Runs `body(communicator)` on `world_size` threads, one rank each, and returns when all have
/// ended. An exception of one rank ends the waits of the others and is thrown here.
void run_thread_ranks(int world_size, const std::function<void(Communicator&)>& body);

}  // namespace spc
