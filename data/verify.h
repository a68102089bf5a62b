// Reads every byte of a folder of shards and says what it holds.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "base/process.h"

namespace spc {

/// A frame is silent when the mean of its log energies lies more than this below the 95th
/// percentile of the utterance's frames.
inline constexpr double kSilenceDb = 40;  // dB

struct VerifyReport {
  bool stopped = false;  // on request: the rest is not filled in
  int parts = 0;
  int64_t shards = 0;
  int64_t utts = 0;
  int64_t frames = 0;
  int64_t speakers = 0;
  std::vector<int64_t> lengths;  // frames, ascending, one for each utterance
  int64_t silent_frames = 0;
  std::vector<std::string> soundless;  // utterances of nothing but zeros
  int64_t nan_values = 0;              // infinite ones included
  double frame_shift_ms = 0;
  std::string fbank;
  std::vector<std::string> bad;       // "utt: reason", recorded while packing
  std::vector<std::string> problems;  // what is wrong with the shards, one line each
};

/// Goes on after a problem, so that the report is complete.
/// @throws Error  there is no manifest, or parts of the set are missing
VerifyReport verify_shards(const std::filesystem::path& folder, int threads,
                           const std::function<bool()>& stop = stop_requested);

/// For people, a line each: utterances, hours, speakers, durations, silence, NaN, options.
std::string summary(const VerifyReport& report);

}  // namespace spc
