// From what is asked to the one command that does it. Pure: nothing is looked up or started.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "launcher/hosts.h"
#include "launcher/launch_options.h"

namespace spc {

/// What the plan depends on besides the options.
struct Surroundings {
  int cores = 1;  // that this process may use
  bool root = false;
  std::map<std::string, std::string> environment;
};

/// How the starter marks the lines of the ranks.
enum class LineTags {
  kMpirun,  // [1,0]<stderr>:text
  kSrun,    // 0: text
};

struct LaunchPlan {
  std::vector<std::string> command;
  int ranks = 1;
  std::vector<Host> hosts;  // empty: this machine, or those of the Slurm allocation
  LineTags tags = LineTags::kMpirun;
};

/// @param hosts  of --hosts or --hostfile without those left out; empty: this machine or Slurm's
/// @throws UsageError  more ranks than slots, srun outside of Slurm, hosts inside of it
LaunchPlan make_plan(const LaunchOptions& options, const std::vector<Host>& hosts,
                     const Surroundings& surroundings);

/// As a line for a shell.
std::string shell_line(const std::vector<std::string>& command);

}  // namespace spc
