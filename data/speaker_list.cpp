#include "data/speaker_list.h"

#include <string>

#include "base/error.h"
#include "base/file.h"
#include "store/manifest.h"
#include "store/shard_set.h"

namespace spc {

void write_speaker_list(const std::filesystem::path& folder, int part, int parts) {
  namespace fs = std::filesystem;
  for (int each = 1; each <= parts; ++each)
    if (!fs::exists(folder / manifest_name(each, parts))) return;
  std::string text;
  for (const Manifest& manifest : read_manifests(folder)) {
    for (const ManifestShard& shard : manifest.shards) {
      for (const UtteranceEntry& entry : read_shard_index(folder / shard.file).utts)
        if (!entry.spk.empty()) text += concat(entry.utt, " ", entry.spk, "\n");
    }
  }
  if (text.empty()) return;
  // Two parts that end at once both find all of them there: each has a file of its own, and what
  // they say is the same.
  const fs::path mine = folder / concat(kSpeakerList, ".part-", part);
  write_text_atomically(mine, text);
  fs::rename(mine, folder / kSpeakerList);
}

}  // namespace spc
