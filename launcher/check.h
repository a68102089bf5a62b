// `--check`: is everything there for the run, and is a host or a rank odd or slow?
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "launcher/plan.h"

namespace spc {

/// Asks a host for the version of the program, by the remote shell that mpirun will use (ssh, or
/// what plm_rsh_agent names among the arguments for mpirun or in the environment).
std::vector<std::string> reach_command(const LaunchOptions& options, const Surroundings& around,
                                       const std::string& host);

/// `spcnet preflight` with the arguments of the `spcnet train` that is to be launched.
/// @throws UsageError  the command is another one
std::vector<std::string> preflight_command(const std::vector<std::string>& command);

/// Reaches every host but this one, then runs the preflight on all ranks.
/// @param options  its command is that of preflight_command()
/// @param say  takes the lines for the person at the terminal
/// @returns 0 when the run can start, 75 when it was asked to stop meanwhile, else 1
int check(const LaunchOptions& options, const std::vector<Host>& hosts, const Surroundings& around,
          const std::function<void(const std::string&)>& say);

}  // namespace spc
