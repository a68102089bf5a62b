#include "base/file.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <utility>

#include "base/error.h"

namespace spc {
namespace {

std::filesystem::path temporary_of(const std::filesystem::path& path) {
  return path.string() + ".tmp";
}

void fsync_path(const std::filesystem::path& path, int flags) {
  const FileDescriptor file(path, flags);
  SPC_CHECK(::fsync(file.get()) == 0, "cannot flush ", path.string(),
            " to the disk: ", std::strerror(errno));
}

}  // namespace

FileDescriptor::FileDescriptor(const std::filesystem::path& path, int flags, unsigned mode)
    : descriptor_(::open(path.c_str(), flags | O_CLOEXEC, mode)) {
  SPC_CHECK(descriptor_ >= 0, "cannot open ", path.string(), ": ", std::strerror(errno));
}
FileDescriptor::FileDescriptor(FileDescriptor&& other) noexcept
    : descriptor_(std::exchange(other.descriptor_, -1)) {}
FileDescriptor& FileDescriptor::operator=(FileDescriptor&& other) noexcept {
  std::swap(descriptor_, other.descriptor_);
  return *this;
}
FileDescriptor::~FileDescriptor() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

void check_writable(const std::filesystem::path& path) {
  with_context("cannot write " + path.string(), [&] {
    SPC_CHECK(!std::filesystem::is_directory(path), "it is a folder");
    const std::filesystem::path temporary = temporary_of(path);
    { const FileDescriptor file(temporary, O_WRONLY | O_CREAT, 0644); }
    std::filesystem::remove(temporary);
  });
}

void write_atomically(const std::filesystem::path& path,
                      const std::function<void(const std::filesystem::path&)>& write) {
  const std::filesystem::path temporary = temporary_of(path);
  with_context("writing " + path.string(), [&] {
    try {
      write(temporary);
      fsync_path(temporary, O_RDONLY);
      std::filesystem::rename(temporary, path);
    } catch (...) {
      std::error_code ignored;  // the first error is the one to report
      std::filesystem::remove(temporary, ignored);
      throw;
    }
    fsync_path(path.has_parent_path() ? path.parent_path() : ".", O_RDONLY | O_DIRECTORY);
  });
}

void write_text_atomically(const std::filesystem::path& path, const std::string& text) {
  write_atomically(path, [&](const std::filesystem::path& temporary) {
    std::ofstream file(temporary, std::ios::binary);
    file << text;
    file.close();
    SPC_CHECK(file, std::strerror(errno));
  });
}

void append_line(const std::filesystem::path& path, const std::string& line) {
  const FileDescriptor file(path, O_WRONLY | O_CREAT | O_APPEND, 0644);
  const std::string text = line + "\n";
  const off_t before = ::lseek(file.get(), 0, SEEK_END);
  const ssize_t written = ::write(file.get(), text.data(), text.size());
  if (written == static_cast<ssize_t>(text.size())) return;
  const int reason = written < 0 ? errno : ENOSPC;
  if (written > 0) (void)!::ftruncate(file.get(), before);
  throw Error(concat("cannot write ", path.string(), ": ", std::strerror(reason)));
}

std::string read_text(const std::filesystem::path& path) {
  const FileDescriptor file(path, O_RDONLY);
  struct stat status = {};
  (void)::fstat(file.get(), &status);  // zero for what has no size, such as a pipe
  std::string text;
  size_t done = 0;
  while (true) {
    // One byte more than the file has, so that its end is seen without another round.
    text.resize(std::max({2 * done, size_t{1} << 16, static_cast<size_t>(status.st_size) + 1}));
    const ssize_t got = ::read(file.get(), text.data() + done, text.size() - done);
    if (got < 0 && errno == EINTR) continue;
    SPC_CHECK(got >= 0, "cannot read ", path.string(), ": ", std::strerror(errno));
    if (got == 0) break;
    done += static_cast<size_t>(got);
  }
  text.resize(done);
  return text;
}

std::vector<std::string> read_lines(const std::filesystem::path& path) {
  const std::string text = read_text(path);
  std::string_view rest = text;
  std::vector<std::string> lines;
  for (std::string_view line; take_line(rest, line);) lines.emplace_back(line);
  return lines;
}

bool take_line(std::string_view& text, std::string_view& line) {
  if (text.empty()) return false;
  const size_t end = std::min(text.find('\n'), text.size());
  line = text.substr(0, end);
  text.remove_prefix(std::min(end + 1, text.size()));
  if (!line.empty() && line.back() == '\r') line.remove_suffix(1);
  return true;
}

std::string_view take_word(std::string_view& line) {
  constexpr const char* kSpace = " \t\n\v\f\r";
  line.remove_prefix(std::min(line.find_first_not_of(kSpace), line.size()));
  const std::string_view word = line.substr(0, line.find_first_of(kSpace));
  line.remove_prefix(word.size());
  return word;
}

std::vector<std::string> split_words(std::string_view line) {
  std::vector<std::string> words;
  for (std::string_view word = take_word(line); !word.empty(); word = take_word(line))
    words.emplace_back(word);
  return words;
}

FileLock::FileLock(const std::filesystem::path& path, const std::string& busy)
    : file_(path, O_CREAT | O_RDWR, 0644) {
  if (::flock(file_.get(), LOCK_EX | LOCK_NB) != 0) {
    SPC_CHECK(errno != EWOULDBLOCK, busy);
    throw Error(concat("cannot lock ", path.string(), ": ", std::strerror(errno)));
  }
}

}  // namespace spc
