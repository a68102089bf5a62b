#include "base/log.h"

#include <unistd.h>

namespace spc {
namespace {

std::string& prefix() {
  static std::string text;
  return text;
}

// One write() a line: lines of several threads and ranks do not mix, and nothing is lost when the
// process is killed.
void write_line(const char* kind, const std::string& message) {
  const std::string line = prefix() + kind + message + "\n";
  size_t done = 0;
  while (done < line.size()) {
    const ssize_t count = ::write(STDERR_FILENO, line.data() + done, line.size() - done);
    if (count <= 0) return;  // nobody is left to tell
    done += static_cast<size_t>(count);
  }
}

}  // namespace

void set_log_prefix(const std::string& text) {
  prefix() = text;
}
void log_info(const std::string& message) {
  write_line("", message);
}
void log_warning(const std::string& message) {
  write_line("warning: ", message);
}
void log_error(const std::string& message) {
  write_line("error: ", message);
}

}  // namespace spc
