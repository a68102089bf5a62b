#include "feat/ffmpeg.h"

#include <spawn.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <string>

#include "base/error.h"
#include "feat/wave.h"

namespace spc {
namespace {

FileDescriptor memory_file(const char* name) {
  FileDescriptor file(::memfd_create(name, MFD_CLOEXEC));
  SPC_CHECK(file.get() >= 0, "no file in memory: ", std::strerror(errno));
  return file;
}

/// Without ffmpeg's places in memory, as in "[mov @ 0x55b5c0de]": they are others in every run, and
/// what is said ends up in the shards.
std::string without_addresses(std::string text) {
  const std::string mark = " @ 0x";
  for (size_t at = 0; (at = text.find(mark, at)) != std::string::npos;) {
    const size_t end = text.find_first_not_of("0123456789abcdefABCDEF", at + mark.size());
    text.erase(at, std::min(end, text.size()) - at);
  }
  return text;
}

/// Its first line that says something.
std::string first_line(const FileDescriptor& file) {
  std::array<char, 512> text{};
  const ssize_t size = ::pread(file.get(), text.data(), text.size(), 0);
  const std::string all(text.data(), static_cast<size_t>(std::max<ssize_t>(0, size)));
  return without_addresses(all.substr(0, all.find('\n')));
}

/// Starts it outside of the terminal's group of processes: Ctrl-C is this program's, which then
/// ends by itself.
pid_t start(const std::array<const char*, 18>& arguments, const FileDescriptor& output,
            const FileDescriptor& messages) {
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, output.get(), STDOUT_FILENO);
  posix_spawn_file_actions_adddup2(&actions, messages.get(), STDERR_FILENO);
  posix_spawnattr_t attributes;
  posix_spawnattr_init(&attributes);
  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP);
  pid_t child = -1;
  const int problem = ::posix_spawnp(&child, arguments[0], &actions, &attributes,
                                     const_cast<char**>(arguments.data()), environ);
  posix_spawn_file_actions_destroy(&actions);
  posix_spawnattr_destroy(&attributes);
  SPC_CHECK(problem != ENOENT,
            "it takes the program ffmpeg, which is not on PATH; install it, or convert to wav or "
            "flac");
  SPC_CHECK(problem == 0, "cannot start ffmpeg: ", std::strerror(problem));
  return child;
}

}  // namespace

bool needs_ffmpeg(const std::filesystem::path& path) {
  const std::string extension = lower_extension(path);
  return extension == ".m4a" || extension == ".aac" || extension == ".mp4";
}

FileDescriptor decode_by_ffmpeg(const std::filesystem::path& path) {
  FileDescriptor output = memory_file("ffmpeg-output");
  const FileDescriptor messages = memory_file("ffmpeg-messages");
  const std::string input = "file:" + path.string();  // a name may look like an address
  // -xerror: what is damaged ends it, rather than leaving a gap.
  const pid_t child =
      start({"ffmpeg", "-nostdin", "-v", "error", "-xerror", "-threads", "1", "-i", input.c_str(),
             "-map", "0:a:0", "-f", "wav", "-c:a", "pcm_f32le", "pipe:1", nullptr},
            output, messages);
  int status = 0;
  while (::waitpid(child, &status, 0) < 0)
    SPC_CHECK(errno == EINTR, "waiting for ffmpeg: ", std::strerror(errno));
  const std::string said = first_line(messages);
  SPC_CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0 && said.empty(),
            "damaged, or no audio file: ffmpeg says '", said.empty() ? "nothing" : said, "'");
  return output;
}

}  // namespace spc
