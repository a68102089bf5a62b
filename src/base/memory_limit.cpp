#include "base/memory_limit.h"

#include <algorithm>
#include <charconv>
#include <string>
#include <string_view>

#include "base/error.h"
#include "base/file.h"

namespace spc {
namespace {

// Of a text that is a number of bytes; version 2 writes "max" where there is no limit.
std::optional<int64_t> limit_in(const std::filesystem::path& file) {
  if (!std::filesystem::exists(file)) return std::nullopt;
  const std::string text = read_text(file);
  int64_t bytes = 0;
  const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), bytes);
  if (problem != std::errc() || end == text.data()) return std::nullopt;
  return bytes;
}

// The least limit of the group and of those around it. In a container the path may be one of the
// machine outside, whose folders are not there: the mount then shows the container's own group.
std::optional<int64_t> least_limit(const std::filesystem::path& mount, std::string_view group,
                                   const char* file) {
  std::optional<int64_t> least;
  const auto path = std::filesystem::path(group).lexically_normal().relative_path();
  std::filesystem::path folder = mount;
  const auto look = [&] {
    const std::optional<int64_t> limit = limit_in(folder / file);
    if (limit) least = std::min(least.value_or(*limit), *limit);
  };
  look();
  for (const std::filesystem::path& name : path) {
    folder /= name;
    look();
  }
  return least;
}

bool has_memory(std::string_view controllers) {
  while (!controllers.empty()) {
    const size_t comma = controllers.find(',');
    if (controllers.substr(0, comma) == "memory") return true;
    controllers.remove_prefix(comma == std::string_view::npos ? controllers.size() : comma + 1);
  }
  return false;
}

}  // namespace

std::optional<int64_t> control_group_memory_limit(const std::filesystem::path& root) {
  const std::filesystem::path list = root / "proc/self/cgroup";
  const std::filesystem::path mounts = root / "sys/fs/cgroup";
  std::optional<int64_t> least;
  try {
    // Lines `number:controllers:path`; version 2 is number 0 and names no controllers.
    for (const std::string& line : read_lines(list)) {
      const size_t first = line.find(':');
      const size_t second = line.find(':', first + 1);
      if (first == std::string::npos || second == std::string::npos) continue;
      const std::string_view controllers =
          std::string_view(line).substr(first + 1, second - first - 1);
      const std::string_view group = std::string_view(line).substr(second + 1);
      std::optional<int64_t> limit;
      if (controllers.empty())
        limit = least_limit(mounts, group, "memory.max");
      else if (has_memory(controllers))
        limit = least_limit(mounts / "memory", group, "memory.limit_in_bytes");
      if (limit) least = std::min(least.value_or(*limit), *limit);
    }
  } catch (const std::exception&) {
    return least;  // a kernel without control groups, or files that are not for us
  }
  return least;
}

}  // namespace spc
