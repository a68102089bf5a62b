// spcnet-launch: starts the ranks of a run, watches them, starts them again.
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <iostream>

#include "base/command_line.h"
#include "base/error.h"
#include "base/process.h"
#include "launcher/check.h"
#include "launcher/screen.h"
#include "launcher/supervisor.h"

extern char** environ;  // NOLINT(readability-redundant-declaration): POSIX leaves it to the user

namespace spc {
namespace {

Surroundings look_around() {
  Surroundings around;
  around.cores = available_cores();
  around.root = ::geteuid() == 0;
  for (char** each = environ; *each != nullptr; ++each) {
    const std::string text = *each;
    const size_t equals = text.find('=');
    if (equals != std::string::npos)
      around.environment[text.substr(0, equals)] = text.substr(equals + 1);
  }
  return around;
}

// The `spcnet` of this build before one of the PATH; whole, for other machines have another PATH.
std::string find_program(const std::string& name) {
  if (name.find('/') != std::string::npos) return std::filesystem::absolute(name).string();
  const std::filesystem::path sibling = program_beside_this_one(name);
  return std::filesystem::exists(sibling) ? sibling.string() : name;
}

int launch(const Arguments& arguments) {
  LaunchOptions options;
  if (!parse_launch_options(arguments, options)) return kExitDone;
  options.command[0] = find_program(options.command[0]);
  if (options.check) options.command = preflight_command(options.command);
  const int default_slots = std::max(1, options.gpus_per_node);
  std::vector<Host> hosts;
  if (!options.hosts.empty()) hosts = parse_hosts(options.hosts, default_slots);
  if (!options.hostfile.empty()) hosts = read_hostfile(options.hostfile, default_slots);
  const Surroundings around = look_around();
  if (options.dry_run) {
    std::cout << shell_line(make_plan(options, hosts, around).command) << "\n";
    return kExitDone;
  }
  if (options.check) {
    return check(options, hosts, around, [](const std::string& line) {
      const bool complaint =
          line.find("error: ") != std::string::npos || line.find("warning: ") != std::string::npos;
      (complaint ? std::cerr : std::cout) << line << std::endl;
    });
  }
  Screen screen;
  return supervise(options, std::move(hosts), around,
                   [&](const std::string& line) { screen.print(line); });
}

}  // namespace
}  // namespace spc

int main(int argc, char** argv) {
  return spc::run_guarded([&] { return spc::launch({argv + 1, argv + argc}); });
}
