#include "launcher/child.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstring>
#include <thread>

#include "base/error.h"

namespace spc {
namespace {

struct Pipe {
  FileDescriptor read_end;
  FileDescriptor write_end;
};

Pipe make_pipe() {
  std::array<int, 2> ends{};
  SPC_CHECK(::pipe2(ends.data(), O_CLOEXEC) == 0, "cannot make a pipe: ", std::strerror(errno));
  return {FileDescriptor(ends[0]), FileDescriptor(ends[1])};
}

// Between fork and exec: calls that are safe there alone.
[[noreturn]] void become(char* const* argv, pid_t parent, int out, int err, int report) {
  ::setpgid(0, 0);
  ::prctl(PR_SET_PDEATHSIG, SIGTERM);
  if (::getppid() != parent) ::_exit(1);  // it died before prctl
  ::dup2(out, STDOUT_FILENO);
  ::dup2(err, STDERR_FILENO);
  const int input = ::open("/dev/null", O_RDONLY);
  ::dup2(input, STDIN_FILENO);
  ::execvp(argv[0], argv);
  const int reason = errno;
  [[maybe_unused]] const ssize_t written = ::write(report, &reason, sizeof reason);
  ::_exit(127);
}

}  // namespace

Child::Child(const std::vector<std::string>& command) {
  std::vector<std::string> words = command;
  std::vector<char*> argv;
  argv.reserve(words.size() + 1);
  for (std::string& word : words) argv.push_back(word.data());
  argv.push_back(nullptr);
  Pipe out = make_pipe();
  Pipe err = make_pipe();
  Pipe report = make_pipe();  // closed by a successful exec
  const pid_t parent = ::getpid();
  pid_ = ::fork();
  SPC_CHECK(pid_ >= 0, "cannot start a process: ", std::strerror(errno));
  if (pid_ == 0)
    become(argv.data(), parent, out.write_end.get(), err.write_end.get(), report.write_end.get());
  report.write_end = {};
  int reason = 0;
  if (::read(report.read_end.get(), &reason, sizeof reason) == sizeof reason) {
    ::waitpid(pid_, nullptr, 0);
    pid_ = -1;
    throw Error(concat("cannot start ", command[0], ": ", std::strerror(reason)));
  }
  streams_.push_back({std::move(out.read_end), "", true});
  streams_.push_back({std::move(err.read_end), "", true});
}

Child::~Child() {
  if (pid_ < 0) return;
  signal(SIGKILL);
  ::waitpid(pid_, nullptr, 0);
}

void Child::signal(int number) const {
  if (pid_ > 0) ::kill(pid_, number);
}

void Child::read(Stream& stream, const std::function<void(const std::string&)>& on_line) {
  std::array<char, 1 << 16> block{};
  const ssize_t count = ::read(stream.descriptor.get(), block.data(), block.size());
  if (count < 0 && errno == EINTR) return;
  if (count <= 0) {
    stream.open = false;
    if (!stream.rest.empty()) on_line(stream.rest);
    return;
  }
  stream.rest.append(block.data(), static_cast<size_t>(count));
  size_t begin = 0;
  for (size_t end; (end = stream.rest.find('\n', begin)) != std::string::npos; begin = end + 1)
    on_line(stream.rest.substr(begin, end - begin));
  stream.rest.erase(0, begin);
}

bool Child::reap() {
  if (pid_ < 0) return true;
  int status = 0;
  if (::waitpid(pid_, &status, WNOHANG) != pid_) return false;
  exit_code_ = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  pid_ = -1;
  return true;
}

bool Child::pump(double seconds, const std::function<void(const std::string&)>& on_line) {
  std::array<pollfd, 2> polled{};
  for (size_t i = 0; i < streams_.size(); ++i)
    polled[i] = {streams_[i].open ? streams_[i].descriptor.get() : -1, POLLIN, 0};
  const bool ended = reap();
  const int ready =
      ::poll(polled.data(), polled.size(), ended ? 0 : static_cast<int>(seconds * 1e3));
  // An orphan of the child may hold the pipes open for ever: the child's end and silence suffice.
  if (ended && ready <= 0) return false;
  bool any_open = false;
  for (size_t i = 0; i < streams_.size(); ++i) {
    if (ready > 0 && polled[i].revents != 0) read(streams_[i], on_line);
    any_open = any_open || streams_[i].open;
  }
  if (!any_open && !ended) std::this_thread::sleep_for(std::chrono::milliseconds(10));
  return any_open || !ended;
}

}  // namespace spc
