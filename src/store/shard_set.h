// All utterances of one or more folders of shards, readable in any order from many threads.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/file.h"
#include "store/shard_writer.h"

namespace spc {

/// Where an utterance lies.
struct UtteranceEntry {
  std::string utt;
  std::string spk;  // empty where unknown
  int32_t shard = 0;
  int64_t byte_offset = 0;  // of its first frame in the file
  int64_t num_frames = 0;
  uint32_t crc32c = 0;
  int32_t num_copies = 0;  // augmented ones, each as long as the utterance
  int64_t first_copy = 0;  // their place among all copies
};

/// Where an augmented copy of an utterance lies: in the same shard.
struct CopyEntry {
  int64_t byte_offset = 0;
  uint32_t crc32c = 0;
};

/// One shard's header and index, checked: the file is whole and its index fits the matrix.
struct ShardIndex {
  ShardInfo info;
  std::vector<UtteranceEntry> utts;
  std::vector<CopyEntry> copies;  // of one utterance after another
};

/// @throws Error  missing, truncated, not a shard, an index that does not fit: names the file and
/// the remedy
ShardIndex read_shard_index(const std::filesystem::path& path);

/// True when two sets of fbank options, as shards carry them, give the same features but for
/// dither, which may be on for training alone.
bool same_features(const std::string& fbank, const std::string& other);

/// The features are one contiguous dataset, so an utterance is one pread: no HDF5 call and no lock
/// of its library in the hot path.
class ShardSet {
 public:
  /// Reads every index. @throws Error  a shard is missing or damaged, folders disagree on the
  /// features, an utterance occurs twice
  explicit ShardSet(const std::vector<std::string>& folders);

  /// Keeps only the utterances in the list, in shard order. @throws Error  one of them is in no
  /// shard
  void select(const std::vector<std::string_view>& utts);

  ~ShardSet();
  ShardSet(ShardSet&&) noexcept;
  ShardSet& operator=(ShardSet&&) noexcept;

  [[nodiscard]] const std::vector<UtteranceEntry>& utts() const { return utts_; }
  /// Their ids, in the same order.
  [[nodiscard]] std::vector<std::string> ids() const;
  /// Augmented copies, of all utterances together.
  [[nodiscard]] int64_t num_copies() const { return static_cast<int64_t>(copies_.size()); }
  [[nodiscard]] int64_t num_mel_bins() const { return num_mel_bins_; }
  /// The options that made the features, as text.
  [[nodiscard]] const std::string& fbank() const { return fbank_; }
  [[nodiscard]] const std::filesystem::path& shard_path(int32_t shard) const {
    return paths_.at(static_cast<size_t>(shard));
  }

  /// Reads one utterance, [T, F] float32, into `feats`. Thread-safe.
  /// @param verify  compare the checksum; false only where the reading itself is measured
  /// @throws Error  a short read, a wrong checksum, a value that is not finite: names utterance and
  /// shard
  void read(const UtteranceEntry& entry, std::vector<float>& feats, bool verify = true) const;
  /// The same of one of its augmented copies. @param copy  0 .. entry.num_copies - 1
  void read_copy(const UtteranceEntry& entry, int32_t copy, std::vector<float>& feats) const;
  /// Has the system begin to fetch what read() or read_copy() will want soon; does not wait.
  /// Thread-safe. @throws Error  the shard cannot be opened
  void announce(const UtteranceEntry& entry) const;
  void announce_copy(const UtteranceEntry& entry, int32_t copy) const;
  /// By all threads so far.
  [[nodiscard]] int64_t bytes_read() const;
  /// What they spent on it, checksums and conversion included.
  [[nodiscard]] double read_seconds() const;

 private:
  std::shared_ptr<const FileDescriptor> descriptor(int32_t shard) const;
  [[nodiscard]] const CopyEntry& copy_entry(const UtteranceEntry& entry, int32_t copy) const;
  void announce_rows(const UtteranceEntry& entry, int64_t byte_offset) const;
  void read_rows(const UtteranceEntry& entry, const CopyEntry& place, std::vector<float>& feats,
                 bool verify) const;

  std::vector<std::filesystem::path> paths_;
  std::vector<UtteranceEntry> utts_;
  std::vector<CopyEntry> copies_;
  int64_t num_mel_bins_ = 0;
  std::string fbank_;
  struct OpenFiles;
  std::unique_ptr<OpenFiles> open_files_;
};

}  // namespace spc
