// Machines and how many ranks each may run.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace spc {

struct Host {
  std::string name;
  int slots = 1;

  bool operator==(const Host&) const = default;
};

/// "a:4,b:4"; without a number a host has `default_slots`.
/// @throws UsageError  an empty or repeated name, a number of slots below 1
std::vector<Host> parse_hosts(const std::string& text, int default_slots);

/// Open MPI's form: a line per host, `name [slots=4]`; '#' begins a comment.
/// @throws UsageError  the same, and anything else on a line: names file and line
/// @throws Error  the file cannot be read, or names no host
std::vector<Host> read_hostfile(const std::filesystem::path& path, int default_slots);

/// True for a name or an address that leads back to this machine: mpirun then needs no ssh.
bool is_this_machine(const std::string& name);

int total_slots(const std::vector<Host>& hosts);

}  // namespace spc
