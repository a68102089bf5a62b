// Running the ranks once, from start to end.
#pragma once

#include "launcher/plan.h"
#include "launcher/rank_output.h"

namespace spc {

/// Starts the plan's command and hands its lines to `output`. A request to stop goes on to the
/// ranks. The job is ended when a host of it is known to have failed, or when several ranks
/// have not found each other within `start_timeout_s` (0: no limit), which then is `output`'s last
/// error.
/// @returns the exit code of mpirun or srun, 128 + signal if one ended it
int run_ranks(const LaunchPlan& plan, RankOutput& output, double start_timeout_s);

}  // namespace spc
