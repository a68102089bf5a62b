// The subcommands of `spcnet`. Each parses its own arguments and returns the process's exit code.
#pragma once

#include <string>
#include <vector>

namespace spc {

inline constexpr int kExitDone = 0;
inline constexpr int kExitFailed = 1;
inline constexpr int kExitUsage = 2;
inline constexpr int kExitRequeue =
    75;  // EX_TEMPFAIL: stopped by request, everything is saved, the same command continues

using Arguments = std::vector<std::string>;

int model_command(const Arguments& arguments);
int train_command(const Arguments& arguments);
int extract_command(const Arguments& arguments);
int score_command(const Arguments& arguments);

}  // namespace spc
