#include "data/verify.h"

#include <fcntl.h>

#include <cstdlib>
#include <numeric>
#include <optional>
#include <unordered_set>

#include "base/error.h"
#include "base/file.h"
#include "data/ordered_workers.h"
#include "store/manifest.h"
#include "store/shard_set.h"

namespace spc {
namespace {

namespace fs = std::filesystem;

constexpr const char* kRemedy = "; delete the shard and run `spcnet-data fbank` again";

/// One of the options that made the features; 0 if it is not among them.
double option_of(const std::string& fbank, const std::string& name) {
  const std::string key = name + "=";
  const size_t at = fbank.find(key);
  return at == std::string::npos ? 0 : std::strtod(fbank.c_str() + at + key.size(), nullptr);
}

/// Copies can be damaged too; the figures are those of the utterance.
UtteranceCheck check_with_copies(const FileDescriptor& shard, const ShardIndex& index, size_t row) {
  const UtteranceEntry& utt = index.utts[row];
  const auto num_mel_bins = static_cast<size_t>(index.info.num_mel_bins);
  UtteranceCheck check = check_utterance(shard, utt, num_mel_bins);
  for (int32_t copy = 0; copy < utt.num_copies; ++copy) {
    const CopyEntry& place = index.copies[static_cast<size_t>(utt.first_copy + copy)];
    UtteranceEntry entry = utt;
    entry.byte_offset = place.byte_offset;
    entry.crc32c = place.crc32c;
    for (const std::string& problem : check_utterance(shard, entry, num_mel_bins).problems)
      check.problems.push_back(concat("copy ", copy + 1, ": ", problem));
  }
  return check;
}

class Verifier {
 public:
  Verifier(const fs::path& folder, int threads, const std::function<bool()>& stop)
      : folder_(folder), threads_(threads), stop_(stop) {}

  VerifyReport run() {
    const std::vector<Manifest> manifests = read_manifests(folder_);
    report_.parts = static_cast<int>(manifests.size());
    report_.fbank = manifests[0].fbank;
    report_.frame_shift_ms = option_of(report_.fbank, "frame_shift_ms");
    report_.dither = option_of(report_.fbank, "dither");
    for (const Manifest& manifest : manifests) {
      int64_t bad = 0;
      int64_t row = 0;
      for (const ManifestShard& shard : manifest.shards) {
        if (!report_.stopped) verify_shard(manifest, shard, row, bad);
      }
      if (!report_.stopped && bad != manifest.bad) {
        problem(concat(manifest_name(manifest.part, manifest.parts), ": counts ", manifest.bad,
                       " bad files, its shards ", bad));
      }
    }
    report_.audit = auditor_.take();
    if (!report_.stopped) {
      std::optional<Duplicates> duplicates = duplicates_.find(files_, stop_);
      report_.stopped = !duplicates;
      if (duplicates) report_.audit.duplicates = std::move(*duplicates);
    }
    return std::move(report_);
  }

 private:
  void problem(std::string text) { report_.problems.push_back(std::move(text)); }

  void verify_shard(const Manifest& manifest, const ManifestShard& shard, int64_t& row,
                    int64_t& bad) {
    ++report_.shards;
    ShardIndex index;
    try {
      index = read_shard_index(folder_ / shard.file);
      check_header(manifest, shard, index, row);
      bad += static_cast<int64_t>(index.info.bad.size());
      report_.bad.insert(report_.bad.end(), index.info.bad.begin(), index.info.bad.end());
      report_.copies += static_cast<int64_t>(index.copies.size());
      check_utterances(shard.file, index);
    } catch (const Error& error) {
      problem(error.what());
    }
  }

  void check_header(const Manifest& manifest, const ManifestShard& shard, const ShardIndex& index,
                    int64_t& row) {
    const auto count = static_cast<int64_t>(index.utts.size());
    const int64_t frames =
        std::transform_reduce(index.utts.begin(), index.utts.end(), int64_t{0}, std::plus<>(),
                              [](const UtteranceEntry& entry) { return entry.num_frames; });
    if (count != shard.num_utts || frames != shard.num_frames) {
      problem(concat(shard.file, ": holds ", count, " utterances and ", frames,
                     " frames, the manifest says ", shard.num_utts, " and ", shard.num_frames,
                     kRemedy));
    }
    if (index.info.fbank != manifest.fbank) {
      problem(concat(shard.file, ": was made with '", index.info.fbank, "', the manifest says '",
                     manifest.fbank, "'", kRemedy));
    }
    if (index.info.items != manifest.items) {
      problem(concat(shard.file, ": was made from another list than the manifest says", kRemedy));
    }
    if (row > 0 && index.info.item_begin != row) {
      problem(concat(shard.file, ": begins at row ", index.info.item_begin,
                     " of the list, the shard before ends at ", row, kRemedy));
    }
    row = index.info.item_end;
  }

  /// Not measured where the shard does not say.
  std::vector<SourceLevels> levels_of(const std::string& file, size_t num_utts) {
    std::vector<SourceLevels> levels;
    try {
      levels = read_source_levels(folder_ / file);
    } catch (const Error& error) {
      problem(concat(error.what(), kRemedy));
    }
    levels.resize(num_utts);
    return levels;
  }

  void check_utterances(const std::string& file, const ShardIndex& index) {
    const FileDescriptor descriptor(folder_ / file, O_RDONLY);
    const std::vector<SourceLevels> levels = levels_of(file, index.utts.size());
    const auto num_mel_bins = static_cast<size_t>(index.info.num_mel_bins);
    files_.push_back({folder_ / file, num_mel_bins});
    OrderedWorkers<UtteranceCheck> workers(
        threads_, static_cast<int64_t>(index.utts.size()),
        [&](int64_t i) { return check_with_copies(descriptor, index, static_cast<size_t>(i)); });
    for (size_t i = 0; i < index.utts.size(); ++i) {
      if (stop_()) {
        report_.stopped = true;
        return;
      }
      take_in(file, index.utts[i], workers.next(), levels[i]);
    }
  }

  void take_in(const std::string& file, const UtteranceEntry& entry, const UtteranceCheck& check,
               const SourceLevels& levels) {
    for (const std::string& text : check.problems) {
      problem(concat("utterance ", entry.utt, " in ", file, ": ", text, kRemedy));
    }
    const auto [name, is_new] = utts_.insert(entry.utt);
    if (!is_new) problem(concat("utterance ", entry.utt, " occurs twice, again in ", file));
    ++report_.utts;
    report_.frames += entry.num_frames;
    report_.nan_values += check.nan_values;
    auditor_.add(entry, check, levels);
    if (check.problems.empty())
      duplicates_.add(*name, entry, static_cast<int32_t>(files_.size()) - 1);
  }

  const fs::path folder_;
  const int threads_;
  const std::function<bool()>& stop_;
  std::vector<ShardFile> files_;  // those that could be read
  std::unordered_set<std::string> utts_;
  Auditor auditor_;
  DuplicateFinder duplicates_;
  VerifyReport report_;
};

}  // namespace

VerifyReport verify_shards(const fs::path& folder, int threads, const std::function<bool()>& stop) {
  SPC_USAGE_CHECK(threads > 0, "threads = ", threads, ", must be > 0");
  return Verifier(folder, threads, stop).run();
}

}  // namespace spc
