// What was measured on every rank before a run, as a table and as a verdict. Pure functions.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace spc {

struct RankFigures {
  std::string host;
  int threads = 1;
  double clock_s = 0;                 // ahead of rank 0's clock
  double gemm_flops = 0;              // a second, all its threads together
  double link_bytes = 0;              // a second, from the rank before it; 0: it is alone
  double read_bytes = 0;              // of shards, a second
  std::vector<std::string> problems;  // in which it differs from rank 0, or what failed there
};

struct AllReduceFigures {
  int64_t bytes = 0;
  double seconds = 0;
};

struct PreflightReport {
  std::vector<std::string> table;     // a line each, a headline first
  std::vector<std::string> warnings;  // slow ranks: the run works, and waits for them
  std::vector<std::string> errors;    // odd ranks: the run must not start
};

/// A rank is slow in what it does with less than 1 / 1.5 of the rate of the middle one among the
/// others; links inside a host are not compared with those between hosts. A clock that is a second
/// off is an error: it tears apart logs and metrics.
PreflightReport report_on(const std::vector<RankFigures>& ranks, const AllReduceFigures& reduced);

/// What differs between `key = value` lines of this rank and of rank 0: "libmpi.so.40: 0a1b, on
/// rank 0 2c3d". At most `limit` of them, and then how many more.
std::vector<std::string> identity_differences(const std::string& own, const std::string& rank_zero,
                                              size_t limit = 5);

}  // namespace spc
