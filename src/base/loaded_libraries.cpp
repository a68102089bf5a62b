#include "base/loaded_libraries.h"

#include <elf.h>
#include <link.h>

#include <algorithm>
#include <cstddef>
#include <filesystem>
#include <string_view>

namespace spc {
namespace {

using Found = std::map<std::string, std::string>;

std::string hexadecimal(const unsigned char* bytes, size_t count) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string text;
  for (size_t i = 0; i < count; ++i) {
    text += kDigits[bytes[i] >> 4U];
    text += kDigits[bytes[i] & 15U];
  }
  return text;
}

// Walks the notes of one segment: header, name, description, the latter two padded to four bytes.
std::string build_id(const unsigned char* notes, size_t size) {
  const auto padded = [](size_t length) { return (length + 3) / 4 * 4; };
  for (size_t at = 0; at + sizeof(ElfW(Nhdr)) <= size;) {
    ElfW(Nhdr) note;
    std::copy_n(notes + at, sizeof note, reinterpret_cast<unsigned char*>(&note));
    const size_t name = at + sizeof note;
    const size_t description = name + padded(note.n_namesz);
    at = description + padded(note.n_descsz);
    const bool is_gnu = note.n_namesz == 4 &&
                        std::string_view(reinterpret_cast<const char*>(notes + name), 3) == "GNU";
    if (at <= size && is_gnu && note.n_type == NT_GNU_BUILD_ID)
      return hexadecimal(notes + description, note.n_descsz);
  }
  return "";
}

extern "C" int note_library(dl_phdr_info* info, size_t, void* found) {
  const std::string path = info->dlpi_name;
  if (path.find("vdso") != std::string::npos) return 0;  // the kernel's
  std::string id;
  for (size_t i = 0; i < info->dlpi_phnum && id.empty(); ++i) {
    const ElfW(Phdr)& segment = info->dlpi_phdr[i];
    if (segment.p_type != PT_NOTE) continue;
    // NOLINTNEXTLINE(performance-no-int-to-ptr): that is how the loader tells addresses
    id = build_id(reinterpret_cast<const unsigned char*>(info->dlpi_addr + segment.p_vaddr),
                  segment.p_memsz);
  }
  const std::string name =
      path.empty() ? "program" : std::filesystem::path(path).filename().string();
  (*static_cast<Found*>(found))[name] = id.empty() ? "none" : id;
  return 0;
}

}  // namespace

std::map<std::string, std::string> loaded_libraries() {
  Found found;
  dl_iterate_phdr(note_library, &found);
  return found;
}

}  // namespace spc
