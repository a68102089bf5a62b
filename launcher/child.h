// One started command and what it writes.
#pragma once

#include <sys/types.h>

#include <functional>
#include <string>
#include <vector>

#include "base/file.h"

namespace spc {

/// A process in a group of its own, so that a Ctrl-C of the terminal reaches it only through us. It
/// gets SIGTERM when this process dies.
class Child {
 public:
  /// @throws Error  it cannot be started: names the program
  explicit Child(const std::vector<std::string>& command);
  /// A child that is still there is killed.
  ~Child();
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;

  /// Waits at most `seconds` for output and hands on what came; complete lines, without line ends.
  /// @returns false once the process has ended and everything it wrote was handed on
  bool pump(double seconds, const std::function<void(const std::string& line)>& on_line);
  void signal(int number) const;
  /// After pump() returned false: 0..255, or 128 + the signal that ended it, as in a shell.
  [[nodiscard]] int exit_code() const { return exit_code_; }

 private:
  struct Stream {
    FileDescriptor descriptor;
    std::string rest;  // of a line that has no end yet
    bool open = true;
  };
  static void read(Stream& stream, const std::function<void(const std::string&)>& on_line);
  bool reap();

  pid_t pid_ = -1;
  std::vector<Stream> streams_;
  int exit_code_ = -1;
};

}  // namespace spc
