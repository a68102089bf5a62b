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
    const std::string text = read_text(list);
    std::string_view rest = text;
    std::vector<std::string_view> utts;
    for (std::string_view line; take_line(rest, line);) {
      const std::string_view utt = take_word(line);
      if (!utt.empty()) utts.push_back(utt);
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
