// Which network of a run is the best so far, by the equal error rate on the first trial list.
#pragma once

#include <cstdint>
#include <filesystem>
#include <limits>
#include <string>

#include "train/evaluation.h"

namespace spc {

/// Rank 0's alone.
class BestNetwork {
 public:
  /// Of a run that has none yet.
  BestNetwork() = default;
  /// Of a run that goes on: the network in its best.h5, if the log knows its rate; one that cannot
  /// be read is warned about, and the next takes its place.
  BestNetwork(const std::filesystem::path& run, const EvalHistory& history,
              const std::string& list);

  /// @param eer  of the network after `step`   @param kept_step  of the last one that was written
  /// to best.h5, -1: none. Only what is on the disk counts
  /// @returns whether this network is to take the place
  bool takes(int64_t step, double eer, int64_t kept_step);

 private:
  static constexpr double kNone = std::numeric_limits<double>::infinity();
  double kept_eer_ = kNone;
  double candidate_eer_ = kNone;  // of the one that was told to take the place
  int64_t candidate_step_ = -1;
};

}  // namespace spc
