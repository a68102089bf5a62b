// The commands of spcnet-data: arguments in, exit code out. Results go to standard output.
#pragma once

#include <string>
#include <vector>

namespace spc {

inline constexpr int kExitFailed = 1;
inline constexpr int kExitUsage = 2;
inline constexpr int kExitStopped = 75;  // on request; the same command continues

/// @throws UsageError  exit code 2   @throws std::exception  exit code 1
int run_fbank(const std::vector<std::string>& arguments);
int run_verify(const std::vector<std::string>& arguments);
int run_mfcc_stats(const std::vector<std::string>& arguments);

}  // namespace spc
