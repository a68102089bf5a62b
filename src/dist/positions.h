// Where every rank is, and what that says about a run that is stuck or slow. Pure functions.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace spc {

/// What a rank says of itself, and how old that is.
struct Position {
  std::string host;
  std::string phase;     // "data", "step", ...
  int64_t step = 0;      // steps done
  std::string pending;   // collective that it waits for; empty: it waits for nobody
  double phase_s = 0;    // in this phase
  double compute_s = 0;  // own computation a step: no waiting for others in it
  double data_s = 0;     // waiting for the loader, a step
  double silent_s = 0;   // since it was last heard of
  bool heard = false;    // ever
};

/// One line for each group of ranks that say the same: "ranks 0, 2-7: step 12, step, waits for
/// gradient bucket 3". The ranks that are silent, or the first of a group, are named with their
/// host.
/// @param silent_after_s  a rank not heard of for so long counts as silent
std::vector<std::string> describe_positions(const std::vector<Position>& ranks,
                                            double silent_after_s);

/// Who holds the others up: "rank 5 on node07: silent for 12 s, ...". Silent ranks first, then
/// those that wait for nobody, of these the ones behind. Empty: nobody stands out.
std::string suspect(const std::vector<Position>& ranks, double silent_after_s);

/// The rank whose own time a step is longest, if it is `factor` times that of the rank in the
/// middle: "rank 5 on node07 computes 1.80 s a step, the others 1.02 s". Empty: nobody.
struct Straggler {
  int rank = -1;
  std::string text;
};
Straggler find_straggler(const std::vector<Position>& ranks, double factor);

/// The rank with the longest own time a step (computation and waiting for its loader), and how many
/// times that of the rank in the middle it is; rank -1 while nothing is known, or with one rank.
struct SlowestRank {
  int rank = -1;
  double ratio = 1;
};
SlowestRank find_slowest(const std::vector<Position>& ranks);

}  // namespace spc
