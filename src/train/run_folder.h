// A run's folder:  config.ini  run.json  train.jsonl  checkpoints/  and a lock that keeps a second
// run out.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "base/file.h"
#include "train/config.h"

namespace spc {

/// Makes the folder of a run, unless it is there. @returns it
/// @throws Error  it cannot be made, or not be written to
std::filesystem::path make_run_folder(const std::filesystem::path& path);

/// Rank 0's alone.
class RunFolder {
 public:
  /// Makes the folder, takes the lock. @throws Error  another run holds it, or the folder cannot be
  /// made
  explicit RunFolder(const std::filesystem::path& path);

  /// config.ini as resolved, and run.json with versions, ranks and seeds.
  void write_description(const ResolvedConfig& config, const std::string& run_json);
  /// Adds a line to train.jsonl. One that cannot be written is lost: the first of such lines is
  /// warned about, training goes on.
  void log_json(const std::string& json);

 private:
  std::filesystem::path path_;
  FileLock lock_;
  bool log_is_broken_ = false;
};

/// The keys in which two resolved configurations differ, those left out that a continued run may
/// change: "train.batch_size: 32 -> 64".
/// @param saved  INI text of a checkpoint
std::vector<std::string> config_differences(const std::string& saved, const ResolvedConfig& now);

}  // namespace spc
