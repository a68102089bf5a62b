// What a run folder tells from outside: how far it got. No checkpoint is opened.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace spc {

/// The folder that `--run` names in a command of spcnet; empty if there is none.
std::filesystem::path run_folder_of(const std::vector<std::string>& command);

/// Step of the newest checkpoint, -1 without one.
int64_t newest_step(const std::filesystem::path& run);

/// When the run last got going, i.e. every rank had opened its input: changes with every start.
/// The earliest time if it never did.
std::filesystem::file_time_type started_at(const std::filesystem::path& run);

}  // namespace spc
