// The proof that an epoch shows every utterance once: ranks add up what they really trained on, and
// compare with what was due.
#pragma once

#include <cstdint>
#include <vector>

#include "dist/communicator.h"
#include "loader/sampler.h"

namespace spc {

class EpochCoverage {
 public:
  /// @param first_position  of this process in the global sequence: an epoch continued half-way
  /// owes only its rest
  EpochCoverage(int64_t num_utts, uint64_t seed, int64_t first_position, Communicator& comm);

  /// Notes the rows this rank consumed, then, when `end_position` completes an epoch, compares over
  /// all ranks. Collective.
  /// @throws Error  an utterance was left out or came twice
  void add(const std::vector<Sampler::Place>& places, int64_t end_position);

 private:
  int64_t num_utts_;
  uint64_t seed_;
  int64_t first_position_;
  int64_t open_epoch_;
  // Sums of hashes of (epoch, utterance), modulo 2^64: of the epoch being completed and of the
  // next, into which a batch may reach.
  uint64_t sum_ = 0;
  uint64_t next_sum_ = 0;
  Communicator& comm_;
};

}  // namespace spc
