// What one utterance's bytes in a shard say.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/file.h"
#include "data/bin_moments.h"
#include "store/shard_set.h"

namespace spc {

/// A frame is silent when the mean of its log energies lies more than this below the 95th
/// percentile of the utterance's frames.
inline constexpr double kSilenceDb = 40;  // dB

struct UtteranceCheck {
  int64_t silent_frames = 0;
  bool soundless = false;  // made of samples that are all zero
  int64_t nan_values = 0;  // infinite ones included
  BinMoments moments;
  std::vector<std::string> problems;  // with them, what is above may be missing
};

/// The utterance's features, float16 [T, F], as they lie in the shard.
/// @return false: the file ends before, or cannot be read.   Thread-safe.
bool read_halves(const FileDescriptor& shard, const UtteranceEntry& entry, size_t num_mel_bins,
                 std::vector<uint16_t>& halves);

/// All that can be wrong is told, where ShardSet::read() would throw at the first. Thread-safe.
UtteranceCheck check_utterance(const FileDescriptor& shard, const UtteranceEntry& entry,
                               size_t num_mel_bins);

}  // namespace spc
