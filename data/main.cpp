// spcnet-data: from audio files to shards.
#include <exception>
#include <iostream>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/log.h"
#include "base/process.h"
#include "base/version.h"
#include "data/commands.h"

namespace {

struct Command {
  const char* name;
  int (*run)(const std::vector<std::string>&);
  const char* help;
};

constexpr Command kCommands[] = {
    {"fbank", spc::run_fbank, "pack audio files into shards of log mel energies"},
    {"verify", spc::run_verify, "check every byte of a folder of shards and print what it holds"},
    {"mfcc-stats", spc::run_mfcc_stats, "embeddings of an untrained baseline"},
};

std::string usage() {
  std::string text =
      "spcnet-data: from audio files to shards.\n\n  spcnet-data COMMAND [options]\n\n";
  for (const Command& command : kCommands) {
    const std::string name = command.name;
    text += "  " + name + std::string(12 - name.size(), ' ') + command.help + "\n";
  }
  return text +
         "\n`spcnet-data COMMAND --help` lists the options of a command, `--version` prints the "
         "version.\nExit codes: 0 good, 1 failed, 2 wrong usage, 75 stopped by request.\n";
}

int run(const std::vector<std::string>& arguments) {
  SPC_USAGE_CHECK(!arguments.empty(), "name a command; spcnet-data --help lists them");
  const std::string& name = arguments.front();
  if (name == "--help" || name == "-h" || name == "help") {
    std::cout << usage();
    return 0;
  }
  if (name == "--version") {
    std::cout << spc::version_line() << "\n";
    return 0;
  }
  for (const Command& command : kCommands) {
    if (name == command.name) return command.run({arguments.begin() + 1, arguments.end()});
  }
  throw spc::UsageError(spc::concat("no command '", name, "'; spcnet-data --help lists them"));
}

}  // namespace

int main(int argc, char** argv) {
  try {
    spc::catch_stop_signals();
    return run({argv + 1, argv + argc});
  } catch (const spc::UsageError& error) {
    spc::log_error(error.what());
    return spc::kExitUsage;
  } catch (const std::exception& error) {
    spc::log_error(error.what());
    return spc::kExitFailed;
  }
}
