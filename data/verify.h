// Reads every byte of a folder of shards and says what it holds.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "base/process.h"
#include "data/audit.h"

namespace spc {

struct VerifyReport {
  bool stopped = false;  // on request: the rest is not filled in
  int parts = 0;
  int64_t shards = 0;
  int64_t utts = 0;
  int64_t copies = 0;  // augmented ones, of all utterances
  int64_t frames = 0;
  int64_t nan_values = 0;  // infinite ones included
  double frame_shift_ms = 0;
  double dither = 0;  // of the features; with it, equal recordings have different ones
  std::string fbank;
  std::vector<std::string> bad;       // "utt: reason", recorded while packing
  std::vector<std::string> problems;  // what is wrong with the shards, one line each
  Audit audit;

  [[nodiscard]] double seconds(double num_frames) const {
    return num_frames * (frame_shift_ms / 1000);
  }
  [[nodiscard]] double hours() const { return seconds(static_cast<double>(frames)) / 3600; }
};

/// Goes on after a problem, so that the report is complete.
/// @throws Error  there is no manifest, or parts of the set are missing
VerifyReport verify_shards(const std::filesystem::path& folder, int threads,
                           const std::function<bool()>& stop = stop_requested);

/// For people, what and how much: utterances, hours, speakers, sessions, durations, silence, level,
/// clipping, duplicates, NaN, options.
std::vector<std::pair<std::string, std::string>> summary_lines(const VerifyReport& report);
/// These as text, a line each.
std::string summary(const VerifyReport& report);

}  // namespace spc
