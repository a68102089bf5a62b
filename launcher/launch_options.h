// What a user asks of spcnet-launch.
#pragma once

#include <string>
#include <vector>

#include "base/options.h"

namespace spc {

struct LaunchOptions {
  int ranks = 0;  // 0: every slot of the hosts, of the Slurm allocation, or one rank
  std::string hosts;
  std::string hostfile;
  int gpus_per_node = 0;
  int cores_per_rank = 0;    // 0: this machine's cores shared out, other machines decide alone
  std::string via = "auto";  // mpirun, srun
  std::vector<std::string> via_args;
  int max_restarts = 5;
  int min_ranks = 0;  // 0: as many as at the start
  double backoff_s = 1;
  double timeout_s = 0;  // 0: as the command says
  double start_timeout_s = 120;
  std::string logs;
  bool check = false;
  bool dry_run = false;
  std::vector<std::string> command;  // after --

  void add_to(OptionSet& options);
  /// @throws UsageError
  void validate() const;
};

/// Splits `-n 2 --dry-run -- spcnet train ...` at the first "--" and fills the options.
/// @returns false when --help or --version was asked for and printed
/// @throws UsageError
bool parse_launch_options(std::vector<std::string> arguments, LaunchOptions& options);

}  // namespace spc
