#include "train/run_folder.h"

#include <map>
#include <sstream>

#include "base/error.h"
#include "base/log.h"
#include "base/options.h"
#include "train/config.h"

namespace spc {
std::filesystem::path make_run_folder(const std::filesystem::path& path) {
  std::error_code problem;
  std::filesystem::create_directories(path, problem);
  SPC_CHECK(!problem, "cannot make the run folder ", path.string(), ": ", problem.message());
  check_writable(path / "config.ini");
  return path;
}

RunFolder::RunFolder(const std::filesystem::path& path)
    : path_(make_run_folder(path)),
      lock_(path / "lock", concat("another run is at work in ", path.string(),
                                  "; wait for its end or use another --run")) {}

void RunFolder::write_description(const ResolvedConfig& config, const std::string& run_json) {
  write_text_atomically(path_ / "config.ini", to_ini(config));
  write_text_atomically(path_ / "run.json", run_json + "\n");
}

void RunFolder::log_json(const std::string& json) {
  try {
    append_line(path_ / "train.jsonl", json);
    log_is_broken_ = false;
  } catch (const Error& error) {
    if (!log_is_broken_)
      log_warning(concat(error.what(), "; training goes on, its lines are lost"));
    log_is_broken_ = true;
  }
}

std::vector<std::string> config_differences(const std::string& saved, const ResolvedConfig& now) {
  std::map<std::string, std::string> before;
  std::istringstream lines(saved);
  std::string section;
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with("[") && line.ends_with("]")) section = line.substr(1, line.size() - 2);
    const size_t equals = line.find(" = ");
    if (equals != std::string::npos)
      before[section + "." + line.substr(0, equals)] = line.substr(equals + 3);
  }
  std::vector<std::string> differences;
  for (const auto& [key, value] : now) {
    const auto found = before.find(key);
    const std::string old = found == before.end() ? "(absent)" : found->second;
    if (old != value && !may_differ_on_resume(key))
      differences.push_back(concat(key, ": ", old, " -> ", value));
  }
  return differences;
}

}  // namespace spc
