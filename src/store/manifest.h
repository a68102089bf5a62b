// The manifest of a folder of shards: written last, so a folder without one is not finished.
// A text file a person can read: `manifest-PART-of-PARTS.tsv`, header lines `# key value`, then one
// line per shard.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace spc {

struct ManifestShard {
  std::string file;
  int64_t num_utts = 0;
  int64_t num_frames = 0;
};

struct Manifest {
  int part = 1;  // 1 .. parts
  int parts = 1;
  std::string fbank;
  std::string items;  // fingerprint of the input list, as in the part's shards
  int64_t bad = 0;    // input files that could not be packed
  std::vector<ManifestShard> shards;
  /// How augmented copies were made, empty without them; nothing: a manifest that does not say it.
  std::optional<std::string> copies{};
};

/// `manifest-001-of-001.tsv`
std::string manifest_name(int part, int parts);
/// What a manifest's `copies` are called in a message.
std::string copies_text(const std::string& copies);
void write_manifest(const std::filesystem::path& folder, const Manifest& manifest);
/// One part. @throws Error  a line that cannot be read
Manifest read_manifest(const std::filesystem::path& path);
/// All parts of a folder, in order. @throws Error  none, a part is missing, parts disagree, a line
/// that cannot be read
std::vector<Manifest> read_manifests(const std::filesystem::path& folder);

}  // namespace spc
