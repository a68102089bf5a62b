// Files that libsndfile cannot read, by the program ffmpeg.
#pragma once

#include <filesystem>

#include "base/file.h"

namespace spc {

/// Whether a file of this name goes to ffmpeg: .m4a, .aac, .mp4.
bool needs_ffmpeg(const std::filesystem::path& path);

/// The file's first audio stream as a wav in memory: a descriptor, gone when it is closed.
/// @throws Error  ffmpeg is not there, or what it says is wrong with the file: empty, no audio,
/// damaged, cut.   Thread-safe.
FileDescriptor decode_by_ffmpeg(const std::filesystem::path& path);

}  // namespace spc
