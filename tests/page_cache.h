// What of a file the system keeps in memory, for tests and measurements of reading from a disk.
#pragma once

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <vector>

#include "base/error.h"
#include "base/file.h"

namespace spc {

/// Takes a file out of the page cache. On a tmpfs, which is memory, nothing happens.
inline void drop_from_memory(const std::filesystem::path& path) {
  const FileDescriptor file(path, O_RDONLY);
  SPC_CHECK(
      ::fdatasync(file.get()) == 0 && ::posix_fadvise(file.get(), 0, 0, POSIX_FADV_DONTNEED) == 0,
      "cannot drop ", path.string(), " from the page cache");
}

/// The share of the pages of bytes [begin, end) that is in memory; nothing is read for it.
inline double share_in_memory(const std::filesystem::path& path, int64_t begin, int64_t end) {
  const int64_t page = ::sysconf(_SC_PAGESIZE);
  const FileDescriptor file(path, O_RDONLY);
  begin -= begin % page;
  const auto size = static_cast<size_t>(end - begin);
  void* const place = ::mmap(nullptr, size, PROT_READ, MAP_SHARED, file.get(), begin);
  SPC_CHECK(place != MAP_FAILED, "cannot map ", path.string());
  std::vector<unsigned char> pages((size + static_cast<size_t>(page) - 1) /
                                   static_cast<size_t>(page));
  const int failed = ::mincore(place, size, pages.data());
  ::munmap(place, size);
  SPC_CHECK(failed == 0, "cannot ask for the pages of ", path.string());
  const auto count =
      std::count_if(pages.begin(), pages.end(), [](unsigned char each) { return (each & 1) != 0; });
  return static_cast<double>(count) / static_cast<double>(pages.size());
}

}  // namespace spc
