// How much memory this process may take where a batch system or a container sets a limit.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>

namespace spc {

/// The least of the limits that the control groups of this process set, version 1 or 2, its own
/// group's and those of all groups around it, bytes. Nothing: none of them sets one.
/// @param root  where /proc and /sys lie
std::optional<int64_t> control_group_memory_limit(const std::filesystem::path& root = "/");

}  // namespace spc
