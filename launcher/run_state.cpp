#include "launcher/run_state.h"

#include <algorithm>
#include <charconv>
#include <string_view>
#include <utility>

#include "base/error.h"

namespace spc {
namespace {

// Its step and its path; -1 without one.
std::pair<int64_t, std::filesystem::path> newest_checkpoint(const std::filesystem::path& folder) {
  constexpr std::string_view kPrefix = "step-";
  std::pair<int64_t, std::filesystem::path> newest{-1, {}};
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(folder / "checkpoints", error)) {
    const std::string stem = entry.path().stem().string();
    if (entry.path().extension() != ".h5" || !stem.starts_with(kPrefix)) continue;
    int64_t step = -1;
    std::from_chars(stem.data() + kPrefix.size(), stem.data() + stem.size(), step);
    newest = std::max(newest, {step, entry.path()});
  }
  return newest;
}

}  // namespace

std::filesystem::path run_folder_of(const std::vector<std::string>& command) {
  constexpr std::string_view kFlag = "--run";
  for (size_t i = 0; i < command.size(); ++i) {
    if (command[i] == kFlag && i + 1 < command.size()) return command[i + 1];
    if (command[i].starts_with("--run=")) return command[i].substr(kFlag.size() + 1);
  }
  return {};
}

Progress progress_of(const std::filesystem::path& run) {
  Progress progress;
  auto newest = std::filesystem::file_time_type::min();
  const auto note = [&](const std::filesystem::path& file, int64_t made, const std::string& what) {
    std::error_code error;
    const auto time = std::filesystem::last_write_time(file, error);
    if (error) return;
    progress.made += made;
    if (time < newest) return;
    newest = time;
    progress.where = what;
  };
  std::vector<std::filesystem::path> folders{run};
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(run, error)) {
    std::error_code no_folder;
    if (entry.is_directory(no_folder)) folders.push_back(entry.path());
  }
  for (const std::filesystem::path& folder : folders) {
    const std::string of = folder == run ? "" : " of " + folder.filename().string();
    note(folder / "embeddings.h5", 1, "the embeddings" + of);
    note(folder / "summary.json", 1, "the labels" + of);
    const auto [step, path] = newest_checkpoint(folder);
    note(path, step + 1, concat("the checkpoint of step ", step, of));
  }
  return progress;
}

std::filesystem::file_time_type started_at(const std::filesystem::path& run) {
  std::error_code error;
  const auto time = std::filesystem::last_write_time(run / "run.json", error);
  return error ? std::filesystem::file_time_type::min() : time;
}

}  // namespace spc
