// Utterances that hold the same features: one recording under several names.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "store/shard_set.h"

namespace spc {

struct DuplicateGroup {
  int64_t size = 0;               // utterances, at least 2
  std::vector<std::string> utts;  // the first of them, at most kMostListed
};

struct Duplicates {
  int64_t groups = 0;
  int64_t utts = 0;                   // in all groups together
  std::vector<DuplicateGroup> first;  // the largest, at most kMostListed
};

struct ShardFile {
  std::filesystem::path path;
  size_t num_mel_bins = 0;
};

/// Remembers 32 bytes of each utterance; those of equal checksum and length are read once more.
class DuplicateFinder {
 public:
  /// @param utt  must outlive this   @param shard  place of the shard among find()'s paths
  void add(const std::string& utt, const UtteranceEntry& entry, int32_t shard);

  /// Groups of the same checksum, number of frames and bytes. What can no longer be read is in no
  /// group. Nothing when `stop` says so before the end.
  [[nodiscard]] std::optional<Duplicates> find(const std::vector<ShardFile>& shards,
                                               const std::function<bool()>& stop);

 private:
  struct Place {
    uint32_t crc32c;
    int32_t shard;
    int64_t num_frames;
    int64_t byte_offset;
    const std::string* utt;
  };
  std::vector<Place> places_;
};

}  // namespace spc
