#include "data/utterance_check.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <numbers>
#include <numeric>
#include <span>

#include "base/crc32c.h"
#include "data/text.h"
#include "kernels/half_kernels.h"

namespace spc {
namespace {

constexpr double kNatsPerDb = std::numbers::ln10 / 10;  // features are natural logarithms of power

// Samples of zero have the logarithm of the smallest energy, ln(FLT_EPSILON) = -15.94, in every
// bin.
constexpr float kSoundless = -15.9f;

int64_t count_silent(std::span<const float> feats, size_t num_mel_bins) {
  std::vector<float> levels(feats.size() / num_mel_bins);
  for (size_t row = 0; row < levels.size(); ++row) {
    const auto frame = feats.subspan(row * num_mel_bins, num_mel_bins);
    levels[row] = std::reduce(frame.begin(), frame.end()) / static_cast<float>(num_mel_bins);
  }
  std::vector<float> sorted = levels;
  const auto loud = sorted.begin() + static_cast<std::ptrdiff_t>((sorted.size() - 1) * 95 / 100);
  std::nth_element(sorted.begin(), loud, sorted.end());
  const auto threshold = static_cast<float>(*loud - kSilenceDb * kNatsPerDb);
  return std::count_if(levels.begin(), levels.end(),
                       [&](float level) { return level < threshold; });
}

}  // namespace

bool read_halves(const FileDescriptor& shard, const UtteranceEntry& entry, size_t num_mel_bins,
                 std::vector<uint16_t>& halves) {
  halves.resize(static_cast<size_t>(entry.num_frames) * num_mel_bins);
  const size_t size = halves.size() * sizeof(uint16_t);
  auto* bytes = reinterpret_cast<char*>(halves.data());
  for (size_t done = 0; done < size;) {
    const ssize_t got = ::pread(shard.get(), bytes + done, size - done,
                                entry.byte_offset + static_cast<off_t>(done));
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return false;
    done += static_cast<size_t>(got);
  }
  return true;
}

UtteranceCheck check_utterance(const FileDescriptor& shard, const UtteranceEntry& entry,
                               size_t num_mel_bins) {
  UtteranceCheck check;
  if (num_mel_bins == 0) {
    check.problems.push_back("has no mel bins");
    return check;
  }
  std::vector<uint16_t> halves;
  if (!read_halves(shard, entry, num_mel_bins, halves)) {
    check.problems.push_back("cannot be read to its end");
    return check;
  }
  if (crc32c(halves.data(), halves.size() * sizeof(uint16_t)) != entry.crc32c)
    check.problems.push_back("wrong checksum");
  std::vector<float> feats(halves.size());
  if (!half_kernels().widen(halves.data(), static_cast<int64_t>(halves.size()), feats.data())) {
    check.nan_values = std::count_if(feats.begin(), feats.end(),
                                     [](float value) { return !std::isfinite(value); });
    check.problems.push_back(counted(check.nan_values, "value") + " NaN or infinite");
    return check;
  }
  check.soundless = std::all_of(feats.begin(), feats.end(), [](float x) { return x < kSoundless; });
  check.silent_frames = check.soundless ? entry.num_frames : count_silent(feats, num_mel_bins);
  check.moments = BinMoments(feats, num_mel_bins);
  return check;
}

}  // namespace spc
