// Before a run: do the ranks have the same program and data, and is one of them slow?
#pragma once

#include <functional>

#include "dist/communicator.h"
#include "dist/watchdog.h"
#include "store/shard_set.h"
#include "train/preflight_report.h"
#include "train/training.h"

namespace spc {

/// Compares program, libraries, configuration and data of the ranks, and the clocks; verifies and
/// times a 4 MiB all-reduce, between GPUs where the run would use them; times on all ranks at once
/// a matrix product, a message from the rank before, and the reading of the shards. A few seconds;
/// nothing is written but a run folder that was not there. Where the run has checkpoints, the
/// newest valid one must fit the configuration and the data. What fails on a rank alone is among
/// its problems. Collective; every rank gets the same report.
/// @param look  more checks of rank 0's: what it throws is a problem; the noise may be null
/// @throws Error  of the communicator, e.g. ranks that cannot reach each other
PreflightReport preflight(const TrainArguments& arguments,
                          const std::function<void(const ShardSet&, const ShardSet*)>& look,
                          Communicator& comm, Watchdog& watchdog);

}  // namespace spc
