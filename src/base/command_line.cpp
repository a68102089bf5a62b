#include "base/command_line.h"

#include <chrono>
#include <cstdlib>
#include <iostream>
#include <thread>

#include "base/clock.h"
#include "base/error.h"
#include "base/log.h"
#include "base/process.h"
#include "base/version.h"

namespace spc {
namespace {

void print_help(const std::string& program, const std::string& purpose,
                std::initializer_list<Command> commands) {
  constexpr size_t kColumn = 12;
  std::cout << program << ": " << purpose << "\n\nusage: " << program << " COMMAND [options]\n\n";
  for (const Command& command : commands) {
    const std::string name = command.name;
    std::cout << "  " << name << std::string(kColumn - name.size(), ' ') << command.help << "\n";
  }
  std::cout << "\n`" << program
            << " COMMAND --help` lists every option and configuration key with its default and "
               "unit, `--version` prints the version.\n"
               "Exit codes: 0 done, 1 failed with a message, 2 wrong usage, 75 stopped by request "
               "after saving.\n";
}

bool is_rank_zero() {
  for (const char* name : {"OMPI_COMM_WORLD_RANK", "PMIX_RANK", "SLURM_PROCID"}) {
    const char* rank = std::getenv(name);
    if (rank != nullptr) return std::string(rank) == "0";
  }
  return true;
}

// Most mistakes in a command line are every rank's. Rank 0 says so and ends the job; the others
// wait for that, because an end of theirs would silence it.
bool speaks_for_the_job() {
  constexpr double kPatienceSeconds = 3;
  const Stopwatch waiting;
  while (!is_rank_zero() && waiting.seconds() < kPatienceSeconds) {
    if (stop_requested()) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  return true;
}

}  // namespace

int run_guarded(const std::function<int()>& body) {
  try {
    catch_stop_signals();
    const int exit_code = body();
    SPC_CHECK(std::cout.flush(), "cannot write to standard output; is the disk full?");
    return exit_code;
  } catch (const UsageError& error) {
    if (speaks_for_the_job()) log_error(error.what());
    return kExitUsage;
  } catch (const std::exception& error) {
    log_error(error.what());
    return kExitFailed;
  }
}

int run_program(const std::string& program, const std::string& purpose,
                std::initializer_list<Command> commands, int argc, char** argv) {
  return run_guarded([&] {
    const std::string name = argc > 1 ? argv[1] : "";
    if (name.empty() || name == "--help" || name == "-h" || name == "help") {
      print_help(program, purpose, commands);
      return name.empty() ? kExitUsage : kExitDone;
    }
    if (name == "--version") {
      std::cout << version_line() << "\n";
      return kExitDone;
    }
    for (const Command& command : commands) {
      if (name == command.name) return command.run(Arguments(argv + 2, argv + argc));
    }
    throw UsageError(concat("unknown command '", name, "'; `", program, " --help` lists them"));
  });
}

}  // namespace spc
