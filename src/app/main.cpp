// spcnet: distributed self-supervised training of speaker embeddings.
#include <array>
#include <cstdlib>
#include <iostream>

#include "app/commands.h"
#include "base/error.h"
#include "base/log.h"
#include "base/process.h"
#include "base/version.h"

namespace spc {
namespace {

struct Command {
  const char* name;
  int (*run)(const Arguments&);
  const char* help;
};

constexpr std::array kCommands{
    Command{"model", model_command,
            "layers, shapes, parameters and multiply-adds of a configuration"},
    Command{"train", train_command, "train a network, alone or under mpirun"},
    Command{"extract", extract_command, "embeddings of whole utterances"},
    Command{"score", score_command, "EER and minDCF of a trial list"},
};

void print_help() {
  std::cout << "usage: spcnet COMMAND [options]\n\n";
  for (const Command& command : kCommands)
    std::cout << "  " << command.name << std::string(10 - std::string(command.name).size(), ' ')
              << command.help << "\n";
  std::cout << "\n`spcnet COMMAND --help` lists every option and configuration key with its "
               "default and unit.\n"
               "Exit codes: 0 done, 1 failed with a message, 2 wrong usage, 75 stopped by request "
               "after saving.\n";
}

// Every rank of a job makes the same mistake in its command line; one of them says so.
bool speaks_for_the_job() {
  for (const char* name : {"OMPI_COMM_WORLD_RANK", "PMIX_RANK", "SLURM_PROCID"}) {
    const char* rank = std::getenv(name);
    if (rank != nullptr) return std::string(rank) == "0";
  }
  return true;
}

int run(const Arguments& arguments) {
  if (arguments.empty() || arguments[0] == "--help" || arguments[0] == "-h" ||
      arguments[0] == "help") {
    print_help();
    return arguments.empty() ? kExitUsage : kExitDone;
  }
  if (arguments[0] == "--version") {
    std::cout << version_line() << "\n";
    return kExitDone;
  }
  for (const Command& command : kCommands) {
    if (arguments[0] == command.name)
      return command.run(Arguments(arguments.begin() + 1, arguments.end()));
  }
  throw UsageError(concat("unknown command '", arguments[0], "'; `spcnet --help` lists them"));
}

}  // namespace
}  // namespace spc

int main(int argc, char** argv) {
  try {
    spc::catch_stop_signals();
    return spc::run(spc::Arguments(argv + 1, argv + argc));
  } catch (const spc::UsageError& error) {
    if (spc::speaks_for_the_job()) spc::log_error(error.what());
    return spc::kExitUsage;
  } catch (const std::exception& error) {
    spc::log_error(error.what());
    return spc::kExitFailed;
  }
}
