// Recordings that are mixed into others: noises, pieces of music, voices, impulse responses.
#pragma once

#include <cstdint>
#include <mutex>
#include <set>
#include <string>
#include <vector>

#include "base/random.h"
#include "feat/wave.h"

namespace spc {

/// A recording that was drawn.
struct Sound {
  std::string path;
  std::vector<float> samples;  // int16 scale
};

/// A file that proves broken while it is in use is named once and left out; another is drawn in its
/// place. What is drawn depends on the caller's Random and on the files alone, not on threads.
class SoundLibrary {
 public:
  /// Looks at the header of every file and names those that cannot be used.
  /// @param what   "noise", for messages
  /// @throws Error  no file is left
  SoundLibrary(std::string what, const std::vector<std::string>& paths, int sample_rate);

  /// `count` samples of some recording: from a random place of a longer one; a shorter one goes
  /// round. Files are equally likely. A stretch of silence is not taken.   Thread-safe.
  /// @param except  the path of a file that is not taken
  /// @throws Error  a hundred draws gave nothing that sounds, or there is no other file
  [[nodiscard]] Sound draw(Random& random, int64_t count, const std::string& except) const;

  /// A whole recording, its first channel.   Thread-safe. @throws Error  likewise
  [[nodiscard]] Sound draw_whole(Random& random) const;

  [[nodiscard]] int64_t num_files() const { return static_cast<int64_t>(files_.size()); }

 private:
  struct File {
    std::string path;
    WaveInfo info;
  };
  template <class Read>
  Sound draw_by(Random& random, const std::string& except, const Read& read) const;
  [[nodiscard]] std::vector<float> read(const File& file, Random& random, int64_t count) const;

  std::string what_;
  int sample_rate_;
  std::vector<File> files_;
  mutable std::mutex mutex_;
  mutable std::set<std::string> told_;  // guarded: broken files that were named
};

}  // namespace spc
