#include "base/log.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <atomic>

namespace spc {
namespace {

std::string& prefix() {
  static std::string text;
  return text;
}

// The cursor stands behind a line of progress.
std::atomic<bool>& on_progress() {
  static std::atomic<bool> value = false;
  return value;
}

bool is_terminal() {
  static const bool value = ::isatty(STDERR_FILENO) == 1;
  return value;
}

// One write() a line: lines of several threads and ranks do not mix, and nothing is lost when the
// process is killed.
void write_line(const std::string& line) {
  size_t done = 0;
  while (done < line.size()) {
    const ssize_t count = ::write(STDERR_FILENO, line.data() + done, line.size() - done);
    if (count <= 0) return;  // nobody is left to tell
    done += static_cast<size_t>(count);
  }
}

void write_message(const char* kind, const std::string& message) {
  write_line((on_progress().exchange(false) ? "\n" : "") + prefix() + kind + message + "\n");
}

}  // namespace

void set_log_prefix(const std::string& text) {
  prefix() = text;
}
void log_info(const std::string& message) {
  write_message("", message);
}
void log_progress(const std::string& message) {
  if (!is_terminal()) return log_info(message);
  write_line((on_progress().exchange(true) ? "\r\033[K" : "") + one_row(prefix() + message));
}
std::string one_row(const std::string& line) {
  winsize size = {};
  const bool known = ::ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 1;
  return known ? line.substr(0, size.ws_col - 1U) : line;
}
void log_warning(const std::string& message) {
  write_message("warning: ", message);
}
void log_error(const std::string& message) {
  write_message("error: ", message);
}

}  // namespace spc
