// The frame of a program with subcommands: help, version, errors, exit codes.
#pragma once

#include <functional>
#include <initializer_list>
#include <string>
#include <vector>

namespace spc {

inline constexpr int kExitDone = 0;
inline constexpr int kExitFailed = 1;
inline constexpr int kExitUsage = 2;
/// EX_TEMPFAIL: stopped by request, what was done is kept, the same command continues
inline constexpr int kExitStopped = 75;

using Arguments = std::vector<std::string>;

/// A subcommand: arguments after its name in, exit code out; results go to standard output.
/// @throws UsageError  exit code 2   @throws std::exception  exit code 1
struct Command {
  const char* name;
  int (*run)(const Arguments&);
  const char* help;
};

/// The body of main(): catches the stop signals, runs `body`, turns an exception into one line on
/// standard error and its exit code.
int run_guarded(const std::function<int()>& body);

/// The body of main() of a program with subcommands: runs the one that argv names. Without
/// arguments it prints the help and fails. `purpose` is the program's one line.
int run_program(const std::string& program, const std::string& purpose,
                std::initializer_list<Command> commands, int argc, char** argv);

}  // namespace spc
