// Which utterance stands at which place of training: a pure function, so there is nothing to save
// and resuming is skipping.
#pragma once

#include <cstdint>
#include <vector>

namespace spc {

/// The order of all epochs, laid end to end: position p is place p mod N of epoch p / N, and every
/// epoch is a permutation of the N utterances drawn from (seed, epoch) alone. Ranks and batches are
/// cuts of this one sequence. Not thread-safe: it keeps the permutations of the epochs asked for
/// last.
class Sampler {
 public:
  Sampler(int64_t num_utts, uint64_t seed);

  struct Place {
    int64_t epoch = 0;
    int64_t utt = 0;  // 0 .. N - 1
  };
  Place at(int64_t position);

  [[nodiscard]] int64_t num_utts() const { return num_utts_; }

  /// Fisher-Yates over 0 .. n - 1, every draw named by (seed, epoch).
  static std::vector<int32_t> permutation(int64_t n, uint64_t seed, int64_t epoch);

 private:
  int64_t num_utts_;
  uint64_t seed_;
  struct Epoch {
    int64_t index = -1;
    std::vector<int32_t> order;
  };
  Epoch even_;  // a batch may straddle an epoch's end, so two are kept
  Epoch odd_;
};

}  // namespace spc
