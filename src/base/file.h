// Files that are either whole or not there.
#pragma once

#include <filesystem>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace spc {

/// An open file descriptor with one owner.
class FileDescriptor {
 public:
  FileDescriptor() = default;
  /// Takes over one that is open already.
  explicit FileDescriptor(int descriptor) : descriptor_(descriptor) {}
  /// open(2). @throws Error  naming the path and the system's reason
  FileDescriptor(const std::filesystem::path& path, int flags, unsigned mode = 0);
  FileDescriptor(FileDescriptor&& other) noexcept;
  FileDescriptor& operator=(FileDescriptor&& other) noexcept;
  FileDescriptor(const FileDescriptor&) = delete;
  FileDescriptor& operator=(const FileDescriptor&) = delete;
  ~FileDescriptor();
  [[nodiscard]] int get() const { return descriptor_; }

 private:
  int descriptor_ = -1;
};

/// Publishes a file in one step: `write` fills a temporary file beside `path` under the name it is
/// given; then fsync, rename, and fsync of the folder. A crash or an exception leaves what was
/// there before.
/// @throws Error  names the path and the reason (disk full, no permission)
void write_atomically(const std::filesystem::path& path,
                      const std::function<void(const std::filesystem::path& temporary)>& write);

/// Whether write_atomically() could begin, for asking before hours of work.
/// @throws Error  names the path and the reason (no such folder, it is a folder, no permission)
void check_writable(const std::filesystem::path& path);

/// write_atomically() for a text.
void write_text_atomically(const std::filesystem::path& path, const std::string& text);

/// Adds a line to a file, whole or not at all: what a full disk did not take is taken back.
/// @throws Error  names the path and the reason
void append_line(const std::filesystem::path& path, const std::string& line);

/// The whole file. @throws Error  it cannot be read
std::string read_text(const std::filesystem::path& path);

/// Its lines, without line ends. @throws Error  it cannot be read
std::vector<std::string> read_lines(const std::filesystem::path& path);

/// Takes the first line off `text`, without its end, as read_lines() does; for a text too large to
/// be held a second time. @returns false when nothing is left
bool take_line(std::string_view& text, std::string_view& line);

/// Takes the first word off `line`; words are separated by spaces or tabs. Empty: none is left.
std::string_view take_word(std::string_view& line);

/// The words of a line.
std::vector<std::string> split_words(std::string_view line);

/// An exclusive lock on a file, held by this object and released by the system however the process
/// ends.
class FileLock {
 public:
  /// @throws Error  another process holds it: `busy` is the message
  FileLock(const std::filesystem::path& path, const std::string& busy);

 private:
  FileDescriptor file_;
};

}  // namespace spc
