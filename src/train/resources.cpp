#include "train/resources.h"

#include <ATen/Parallel.h>
#include <unistd.h>

#include <algorithm>

#include "base/error.h"
#include "base/file.h"
#include "base/process.h"

namespace spc {

ShardSet open_shards(const std::vector<std::string>& folders, const std::string& list) {
  ShardSet shards(folders);
  if (!list.empty()) {
    std::vector<std::string> utts;
    for (const std::string& line : read_lines(list)) {
      const std::vector<std::string> words = split_words(line);
      if (!words.empty()) utts.push_back(words[0]);
    }
    with_context(list, [&] { shards.select(utts); });
  }
  return shards;
}

void set_compute_threads(int threads, const Communicator& comm) {
  if (threads == 0) {
    const int cores = available_cores();
    // A launcher that binds ranks leaves each its own cores; otherwise all see all of them.
    const bool bound = cores < sysconf(_SC_NPROCESSORS_ONLN);
    threads = std::max(1, bound ? cores : cores / comm.local_size());
  }
  at::set_num_threads(threads);
}

}  // namespace spc
