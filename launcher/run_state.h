// What a run folder tells from outside: how far it got. No checkpoint is opened.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace spc {

/// The folder that `--run` names in a command of spcnet; empty if there is none.
std::filesystem::path run_folder_of(const std::vector<std::string>& command);

/// What a run, or the stages of a run with rounds, have in their folders.
struct Progress {
  int64_t made = 0;                     // grows with every checkpoint and every finished product
  std::string where = "the beginning";  // the newest of them, in words
};
Progress progress_of(const std::filesystem::path& run);

/// When the run last got going, i.e. every rank had opened its input: changes with every start.
/// The earliest time if it never did.
std::filesystem::file_time_type started_at(const std::filesystem::path& run);

}  // namespace spc
