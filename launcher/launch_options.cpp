#include "launcher/launch_options.h"

#include <algorithm>

#include "base/error.h"

namespace spc {

void LaunchOptions::add_to(OptionSet& options) {
  options.add("ranks", ranks,
              "or -n: processes; 0: every slot of the hosts or of the Slurm allocation");
  options.add("hosts", hosts, "machines and their slots, a:4,b:4");
  options.add("hostfile", hostfile, "file with a line `name slots=4` per machine");
  options.add("gpus-per-node", gpus_per_node, "slots of a machine that names none: one rank a GPU");
  options.add("cores-per-rank", cores_per_rank,
              "cores bound to a rank; 0: this machine's cores shared out, unbound on others");
  options.add("via", via, "mpirun, srun or auto: mpirun");
  options.add("via-arg", via_args, "one more argument for mpirun or srun; may repeat");
  options.add("max-restarts", max_restarts, "restarts after failures before giving up");
  options.add("min-ranks", min_ranks,
              "go on with so few ranks when hosts drop out; 0: never with fewer");
  options.add("backoff", backoff_s,
              "seconds before the first restart; doubles while nothing is gained, at most 60");
  options.add("timeout", timeout_s,
              "seconds without progress after which the ranks end the run, as --dist.timeout_s of "
              "the command; 0: as that says");
  options.add("start-timeout", start_timeout_s,
              "seconds within which all ranks must have found each other, else the job is ended; "
              "0: no limit");
  options.add("logs", logs, "folder for rank-N.log; default: RUN/logs of the command's --run RUN");
  options.add_switch("check", check,
                     "start no run: reach the hosts, compare and measure the ranks, print a table");
  options.add_switch("dry-run", dry_run, "print the command and what it would set, do nothing");
  options.add_check([this] { validate(); });
}

void LaunchOptions::validate() const {
  SPC_USAGE_CHECK(ranks >= 0, "-n ", ranks, ", must be at least 1");
  SPC_USAGE_CHECK(hosts.empty() || hostfile.empty(), "give one of --hosts and --hostfile");
  SPC_USAGE_CHECK(gpus_per_node >= 0 && cores_per_rank >= 0,
                  "--gpus-per-node and --cores-per-rank must be >= 0");
  SPC_USAGE_CHECK(via == "auto" || via == "mpirun" || via == "srun", "--via ", via,
                  ", must be mpirun, srun or auto");
  SPC_USAGE_CHECK(max_restarts >= 0 && min_ranks >= 0 && backoff_s >= 0 && timeout_s >= 0 &&
                      start_timeout_s >= 0,
                  "--max-restarts, --min-ranks, --backoff, --timeout and --start-timeout must be "
                  ">= 0");
}

bool parse_launch_options(std::vector<std::string> arguments, LaunchOptions& options) {
  const auto split = std::find(arguments.begin(), arguments.end(), "--");
  if (split != arguments.end()) options.command.assign(split + 1, arguments.end());
  arguments.erase(split, arguments.end());
  std::replace(arguments.begin(), arguments.end(), std::string("-n"), std::string("--ranks"));
  OptionSet set(
      "usage: spcnet-launch [-n N | --hosts a:4,b:4 | --hostfile F | inside Slurm: nothing] "
      "[options] -- spcnet train ...\n"
      "  spcnet-launch -n 2 -- spcnet train --config configs/demo.conf --shards shards --run "
      "runs/a\n"
      "  spcnet-launch --check --hosts a:4,b:4 -- spcnet train ...\n"
      "Starts the ranks, writes RUN/logs/rank-N.log, restarts after a failure from the newest "
      "checkpoint. SIGINT, SIGTERM and SIGUSR1 save and end.\n"
      "Exit codes: 0 done, 1 failed, 2 wrong usage, 75 stopped by request: requeue me.");
  options.add_to(set);
  if (!set.parse(arguments)) return false;
  SPC_USAGE_CHECK(!options.command.empty(), "nothing to launch; end with `-- spcnet train ...`");
  if (options.timeout_s > 0) {
    options.command.emplace_back("--dist.timeout_s");
    options.command.push_back(concat(options.timeout_s));
  }
  return true;
}

}  // namespace spc
