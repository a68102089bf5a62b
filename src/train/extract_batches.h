// Which utterances are embedded together: of few shapes, because every other one costs a CPU the
// compilation of its convolutions.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "base/options.h"

namespace spc {

struct ExtractConfig {
  int64_t batch_frames = 6000;  // frames in a batch, padding included
  int64_t max_frames = 6000;    // of a longer utterance its middle is taken
  void add_to(OptionSet& options);
  void validate() const;
};

/// kPacked: utterances of any lengths in one row, as PackedFrames lays them out; for FoldedNet.
/// kPadded: a row for each, of similar lengths; for SpcNet::forward with Lengths.
enum class Batching { kPacked, kPadded };

struct BatchShape {
  int64_t rows = 0;
  int64_t frames = 0;  // of a row, padding included
};
struct UttBatch {
  std::vector<size_t> members;  // places in what batches were made of
  BatchShape shape;
};

/// Every utterance in one batch, the longest ones first. A batch is no larger than
/// extract.batch_frames, or has one utterance that is longer.
/// @param frames  of each utterance, ascending, at least 8
std::vector<UttBatch> make_batches(std::span<const int64_t> frames, Batching batching,
                                   const ExtractConfig& config);

/// The largest batch of a rank that gets so much of utterances as long as these: what decides how
/// much memory extraction takes. @param utts  frames of each   @param share  in (0, 1]
BatchShape largest_batch(std::span<const int64_t> utts, double share, Batching batching,
                         const ExtractConfig& config);

}  // namespace spc
