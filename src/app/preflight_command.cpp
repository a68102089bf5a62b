#include "train/preflight.h"

#include <algorithm>
#include <iostream>

#include "app/commands.h"
#include "app/ranks.h"
#include "app/train_arguments.h"
#include "base/log.h"
#include "train/stage_checks.h"
#include "train/watched.h"

namespace spc {
namespace {

// Ranks that cannot reach each other are what this command is for; nobody wants to wait for long.
constexpr double kTimeoutSeconds = 60;

}  // namespace

int preflight_command(const Arguments& arguments) {
  RoundsArguments rounds_arguments;
  if (!parse_train_arguments(
          arguments,
          "usage: spcnet preflight ARGUMENTS OF spcnet train\n"
          "  mpirun -n 2 spcnet preflight --config configs/demo.conf --shards shards --run runs/a\n"
          "Compares the ranks' programs, libraries, configuration, data and clocks, verifies an "
          "all-reduce, and measures every rank: matrix product, link, reading. Slow ranks are "
          "warned of; exit code 1 when a rank is odd. `spcnet-launch --check` starts it.",
          rounds_arguments))
    return kExitDone;
  const TrainArguments train_arguments = stage_to_look_at(rounds_arguments);
  const DistConfig& dist = train_arguments.config.dist;
  const double timeout_s = std::min(kTimeoutSeconds, dist.timeout_s);
  return with_ranks(timeout_s, [&](Communicator& comm) {
    PreflightReport report;
    const auto look = [&](const ShardSet& shards, const ShardSet* noise) {
      check_kind_of_run(rounds_arguments.base.run, rounds_arguments.rounds.count > 0);
      if (rounds_arguments.rounds.count > 0)
        check_rounds(rounds_arguments, plan_stages(rounds_arguments), shards, noise,
                     comm.world_size());
    };
    run_watched(
        {timeout_s, std::min(kTimeoutSeconds, dist.silence_s)}, comm,
        [&](Watchdog& watchdog) { report = preflight(train_arguments, look, comm, watchdog); });
    if (comm.rank() == 0) {
      for (const std::string& line : report.table) std::cout << line << "\n";
      for (const std::string& line : report.warnings) log_warning(line);
      for (const std::string& line : report.errors) log_error(line);
      if (report.errors.empty()) std::cout << "every rank is fit to start\n";
      std::cout.flush();
    }
    comm.barrier("end of the preflight");  // nobody ends the job before rank 0 has spoken
    return report.errors.empty() ? kExitDone : kExitFailed;
  });
}

}  // namespace spc
