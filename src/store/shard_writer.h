// Writes one shard: a contiguous float16 matrix of frames and an index of utterances.
//   /feats float16 [total_frames, F]   /utt string [U]   /first_frame int64 [U]   /num_frames int64
//   [U]   /crc32c uint32 [U] /spk string [U] when speakers are known     attributes:
//   format_version, fbank (the options, as text), item_begin, item_end, bad
//   and the columns of store/source_levels.h when the recordings were measured
// Augmented copies, where there are some, lie in the same matrix, each with as many frames as its
// utterance:
//   /copy/utt int64 [C], the utterance's row, ascending   /copy/first_frame int64 [C]
//   /copy/crc32c uint32 [C]   /copy/recipe string [C]     attribute copies (how they were made)
#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "store/source_levels.h"

namespace spc {

inline constexpr int64_t kShardFormatVersion = 1;

/// What a shard says about itself besides its utterances.
struct ShardInfo {
  std::string fbank;         // the options that made the features, "key=value key=value ..."
  int64_t num_mel_bins = 0;  // F
  int64_t item_begin =
      0;  // the rows [begin, end) of the input list that this shard covers, bad ones included
  int64_t item_end = 0;
  std::string items;  // fingerprint of the input list: a run continues only what it began
  std::vector<std::string> bad;  // "utt: reason" of the rows that could not be packed
  std::string copies;            // how the augmented copies were made; empty: there are none
};

/// Collects utterances in memory and publishes them as one file. Not thread-safe.
class ShardWriter {
 public:
  /// @param num_mel_bins F
  explicit ShardWriter(int64_t num_mel_bins) : num_mel_bins_(num_mel_bins) {}

  /// @param feats  [T, F] row-major   @param levels  of the recording, stored when any is measured
  /// @throws Error  empty, or a value that is not finite or too large for float16: names the
  /// utterance
  void add(const std::string& utt, const std::string& spk, std::span<const float> feats,
           const SourceLevels& levels = {});

  /// An augmented copy of the utterance that was added last.
  /// @param feats   [T, F], T as that utterance has
  /// @param recipe  what was done to it
  /// @throws Error  as add(), and names the copy
  void add_copy(std::span<const float> feats, const std::string& recipe);

  /// Takes the utterance that was added last out again, with the copies that it has so far.
  void remove_last();

  [[nodiscard]] int64_t num_utts() const { return static_cast<int64_t>(utts_.size()); }
  /// Of the utterances, without their copies.
  [[nodiscard]] int64_t num_frames() const { return utt_frames_; }
  /// Of the matrix: with the copies.
  [[nodiscard]] int64_t num_rows() const {
    return static_cast<int64_t>(feats_.size()) / num_mel_bins_;
  }

  /// Writes the file (temporary name, fsync, rename) and starts an empty shard. @throws Error  e.g.
  /// the disk is full
  void publish(const std::filesystem::path& path, const ShardInfo& info);

 private:
  /// Appends to the matrix. @returns the checksum
  uint32_t append(std::span<const float> feats);

  int64_t num_mel_bins_;
  int64_t utt_frames_ = 0;
  std::vector<uint16_t> feats_;
  std::vector<std::string> utts_;
  std::vector<std::string> spks_;
  std::vector<int64_t> first_frames_;
  std::vector<int64_t> num_frames_;
  std::vector<uint32_t> crcs_;
  struct {
    std::vector<int64_t> utt, first_frame;
    std::vector<uint32_t> crc32c;
    std::vector<std::string> recipe;
  } copies_;
  std::vector<SourceLevels> levels_;
};

}  // namespace spc
