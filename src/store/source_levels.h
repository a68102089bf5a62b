// What was measured of each utterance's recording while it was packed, as optional columns of the
// index: /peak_db float32 [U]   /rms_db float32 [U]   /clipped float32 [U]   /source_rate int32
// [U]. Training does not read them, and shards without them are whole.
#pragma once

#include <cstdint>
#include <filesystem>
#include <limits>
#include <vector>

namespace spc {

/// Of the decoded file, its channels averaged, at its own sample rate.
struct SourceLevels {
  float peak_db = std::numeric_limits<float>::quiet_NaN();  // dBFS; NaN: not measured
  float rms_db = std::numeric_limits<float>::quiet_NaN();   // dBFS
  float clipped = std::numeric_limits<float>::quiet_NaN();  // share of the samples, 0 to 1
  int32_t source_rate = 0;                                  // Hz; 0: not known

  [[nodiscard]] bool measured() const { return source_rate > 0; }
};

/// One for each utterance of a shard, in its order; nothing for a shard that does not hold them.
/// @throws Error  columns of another length than /utt: names the file
std::vector<SourceLevels> read_source_levels(const std::filesystem::path& shard);

}  // namespace spc
