// A folder of small shards whose utterances are what a test plants.
#pragma once

#include <string>
#include <vector>

#include "base/error.h"
#include "data/verify.h"
#include "store/manifest.h"
#include "store/shard_writer.h"
#include "unit/temporary_folder.h"

namespace spc {

class AuditFolder : public TemporaryFolder {
 public:
  static constexpr int64_t kBins = 4;

  explicit AuditFolder(const std::string& dither = "0")
      : fbank_("num_mel_bins=4 frame_shift_ms=10 dither=" + dither) {}

  /// Frames whose four bins all hold the same level.
  static std::vector<float> frames(const std::vector<float>& levels) {
    std::vector<float> feats;
    for (const float level : levels) feats.insert(feats.end(), kBins, level);
    return feats;
  }
  void add(const std::string& utt, const std::string& spk, const std::vector<float>& feats,
           const SourceLevels& levels = {}) {
    writer_.add(utt, spk, feats, levels);
  }
  /// Ends a shard.
  void next_shard(std::vector<std::string> bad = {}) {
    const std::string file = concat("shard-", manifest_.shards.size(), ".h5");
    const int64_t end = rows_ + writer_.num_utts() + static_cast<int64_t>(bad.size());
    manifest_.bad += static_cast<int64_t>(bad.size());
    manifest_.shards.push_back({file, writer_.num_utts(), writer_.num_frames()});
    writer_.publish(path() / file, {fbank_, kBins, rows_, end, "0123", std::move(bad), ""});
    rows_ = end;
  }
  /// Ends the last shard and reads them all.
  VerifyReport verify(std::vector<std::string> bad = {}) {
    next_shard(std::move(bad));
    manifest_.fbank = fbank_;
    manifest_.items = "0123";
    write_manifest(path(), manifest_);
    return verify_shards(path(), 2, [] { return false; });
  }

 private:
  std::string fbank_;
  ShardWriter writer_{kBins};
  Manifest manifest_;
  int64_t rows_ = 0;
};

}  // namespace spc
