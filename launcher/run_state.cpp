#include "launcher/run_state.h"

#include <algorithm>
#include <charconv>
#include <string_view>

namespace spc {

std::filesystem::path run_folder_of(const std::vector<std::string>& command) {
  constexpr std::string_view kFlag = "--run";
  for (size_t i = 0; i < command.size(); ++i) {
    if (command[i] == kFlag && i + 1 < command.size()) return command[i + 1];
    if (command[i].starts_with("--run=")) return command[i].substr(kFlag.size() + 1);
  }
  return {};
}

int64_t newest_step(const std::filesystem::path& run) {
  constexpr std::string_view kPrefix = "step-";
  int64_t newest = -1;
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(run / "checkpoints", error)) {
    const std::string stem = entry.path().stem().string();
    if (entry.path().extension() != ".h5" || !stem.starts_with(kPrefix)) continue;
    int64_t step = -1;
    std::from_chars(stem.data() + kPrefix.size(), stem.data() + stem.size(), step);
    newest = std::max(newest, step);
  }
  return newest;
}

std::filesystem::file_time_type started_at(const std::filesystem::path& run) {
  std::error_code error;
  const auto time = std::filesystem::last_write_time(run / "run.json", error);
  return error ? std::filesystem::file_time_type::min() : time;
}

}  // namespace spc
