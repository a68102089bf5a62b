// Folders of small shards, and ways to damage the files in them.
#pragma once

#include <gtest/gtest.h>

#include <cstring>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/file.h"
#include "store/manifest.h"
#include "store/shard_set.h"
#include "store/shard_writer.h"
#include "unit/temporary_folder.h"

namespace spc {

inline constexpr int64_t kBins = 5;

/// Values between -20 and 20 that no other utterance has, with all of float32's digits.
inline std::vector<float> features_of(const std::string& utt, int64_t frames,
                                      int64_t bins = kBins) {
  float start = 0;
  for (const char c : utt) start = start * 1.3f + static_cast<float>(c);
  std::vector<float> feats(static_cast<size_t>(frames * bins));
  for (size_t i = 0; i < feats.size(); ++i)
    feats[i] = 20 * std::sin(start + 0.37f * static_cast<float>(i));
  return feats;
}

struct Utterance {
  std::string utt;
  int64_t frames;
};

inline std::string shard_name(size_t index) {
  return concat("train-", index, ".h5");
}

/// Writes a finished folder: each inner list is one shard. Every utterance has as many copies,
/// called by it and their number, "utt#0".
inline std::string write_shards(const std::filesystem::path& folder,
                                const std::vector<std::vector<Utterance>>& shards,
                                int64_t bins = kBins, const std::string& fbank = "num_mel_bins=5",
                                int copies = 0) {
  std::filesystem::create_directories(folder);
  Manifest manifest;
  manifest.fbank = fbank;
  for (size_t i = 0; i < shards.size(); ++i) {
    ShardWriter writer(bins);
    for (const Utterance& each : shards[i]) {
      writer.add(each.utt, "spk-" + each.utt, features_of(each.utt, each.frames, bins));
      for (int copy = 0; copy < copies; ++copy)
        writer.add_copy(features_of(concat(each.utt, "#", copy), each.frames, bins), "made up");
    }
    manifest.shards.push_back({shard_name(i), writer.num_utts(), writer.num_frames()});
    writer.publish(folder / shard_name(i), {fbank, bins, 0, writer.num_utts(), "items", {}, ""});
  }
  write_manifest(folder, manifest);
  return folder;
}

/// Changes bytes of a file where they lie.
inline void overwrite(const std::filesystem::path& path, size_t offset, const void* bytes,
                      size_t size) {
  std::string text = read_text(path);
  ASSERT_LE(offset + size, text.size());
  std::memcpy(text.data() + offset, bytes, size);
  std::ofstream(path, std::ios::binary) << text;
}

/// Where `size` bytes stand in a file; the test fails when they stand there never or twice.
inline size_t find_bytes(const std::filesystem::path& path, const void* bytes, size_t size) {
  const std::string text = read_text(path);
  const std::string wanted(static_cast<const char*>(bytes), size);
  const size_t found = text.find(wanted);
  EXPECT_NE(found, std::string::npos);
  EXPECT_EQ(text.find(wanted, found + 1), std::string::npos);
  return found;
}

inline void flip_bit(const std::filesystem::path& path, size_t offset) {
  const char flipped = static_cast<char>(read_text(path).at(offset) ^ 0x10);
  overwrite(path, offset, &flipped, 1);
}

inline void cut_short(const std::filesystem::path& path, size_t bytes) {
  std::filesystem::resize_file(path, std::filesystem::file_size(path) - bytes);
}

}  // namespace spc
