#include "train/extract_batches.h"

#include <algorithm>
#include <cmath>
#include <map>

#include "base/error.h"
#include "model/packed_frames.h"
#include "model/spcnet_config.h"

namespace spc {
namespace {

// A few lengths for all: each is at most an eighth longer than the one before it, and a multiple of
// 8.
int64_t padded_length(int64_t frames) {
  int64_t length = 32;
  while (length < frames) length += std::max<int64_t>(16, length / 8 / 8 * 8);
  return length;
}

int64_t rows_of_batch(int64_t padded, const ExtractConfig& config) {
  return std::max<int64_t>(1, config.batch_frames / padded);
}

int64_t packed_capacity(const ExtractConfig& config) {
  return config.batch_frames / kTotalStride * kTotalStride;
}

// @param filled  frames that utterances take
int64_t packed_length(int64_t filled, const ExtractConfig& config) {
  const int64_t capacity = packed_capacity(config);
  const int64_t length = padded_length(filled);
  return filled <= capacity ? std::min(length, capacity) : length;
}

// Each batch takes the longest utterance that is left, then the longest that still fits, and so on.
std::vector<UttBatch> packed_batches(std::span<const int64_t> frames, const ExtractConfig& config) {
  std::map<int64_t, std::vector<size_t>> left;  // by what they take
  for (size_t i = 0; i < frames.size(); ++i) left[PackedFrames::room_for(frames[i])].push_back(i);
  std::vector<UttBatch> batches;
  while (!left.empty()) {
    UttBatch batch;
    int64_t filled = 0;
    for (auto next = std::prev(left.end());;) {
      batch.members.push_back(next->second.back());
      filled += next->first;
      next->second.pop_back();
      if (next->second.empty()) left.erase(next);
      next = left.upper_bound(packed_capacity(config) - filled);
      if (next == left.begin()) break;
      --next;
    }
    batch.shape = {1, packed_length(filled, config)};
    batches.push_back(std::move(batch));
  }
  return batches;
}

std::vector<UttBatch> padded_batches(std::span<const int64_t> frames, const ExtractConfig& config) {
  std::vector<UttBatch> batches;
  for (size_t i = frames.size(); i-- > 0;) {
    const int64_t padded = padded_length(frames[i]);
    if (batches.empty() || batches.back().shape.frames != padded ||
        batches.back().shape.rows == rows_of_batch(padded, config))
      batches.push_back({{}, {0, padded}});
    batches.back().members.push_back(i);
    ++batches.back().shape.rows;
  }
  return batches;
}

}  // namespace

void ExtractConfig::add_to(OptionSet& options) {
  options.add("extract.batch_frames", batch_frames, "frames in a batch, padding included");
  options.add("extract.max_frames", max_frames,
              "of a longer utterance its middle is taken, frames");
  options.add_check([this] { validate(); });
}

void ExtractConfig::validate() const {
  SPC_USAGE_CHECK(batch_frames >= 1 && max_frames >= 32,
                  "extract.batch_frames must be >= 1 and extract.max_frames >= 32");
}

std::vector<UttBatch> make_batches(std::span<const int64_t> frames, Batching batching,
                                   const ExtractConfig& config) {
  SPC_ASSERT(std::is_sorted(frames.begin(), frames.end()), "lengths in ascending order");
  return batching == Batching::kPacked ? packed_batches(frames, config)
                                       : padded_batches(frames, config);
}

BatchShape largest_batch(std::span<const int64_t> utts, double share, Batching batching,
                         const ExtractConfig& config) {
  std::map<int64_t, int64_t> utts_of_length;
  int64_t longest = 0;
  double all = 0;
  for (const int64_t frames : utts) {
    const int64_t used = std::clamp(frames, kTotalStride, config.max_frames);
    ++utts_of_length[padded_length(used)];
    longest = std::max(longest, PackedFrames::room_for(used));
    all += static_cast<double>(PackedFrames::room_for(used));
  }
  if (utts.empty()) return {};
  if (batching == Batching::kPacked) {
    const auto own = static_cast<int64_t>(std::ceil(share * all));
    return {1, packed_length(std::max(longest, std::min(own, packed_capacity(config))), config)};
  }
  BatchShape largest;
  for (const auto& [padded, count] : utts_of_length) {
    const auto own = static_cast<int64_t>(std::ceil(share * static_cast<double>(count)));
    const int64_t rows = std::min(own, rows_of_batch(padded, config));
    if (rows * padded > largest.rows * largest.frames) largest = {rows, padded};
  }
  return largest;
}

}  // namespace spc
