#include "data/verify.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <memory>
#include <numeric>
#include <set>
#include <span>
#include <unordered_set>

#include "base/crc32c.h"
#include "base/error.h"
#include "base/file.h"
#include "base/half.h"
#include "data/ordered_workers.h"
#include "data/text.h"
#include "store/manifest.h"
#include "store/shard_set.h"

namespace spc {
namespace {

namespace fs = std::filesystem;

constexpr double kNatsPerDb = std::numbers::ln10 / 10;  // features are natural logarithms of power
constexpr const char* kRemedy = "; delete the shard and run `spcnet-data fbank` again";

/// What one utterance's bytes say.
struct Check {
  int64_t silent_frames = 0;
  bool soundless = false;
  int64_t nan_values = 0;
  std::vector<std::string> problems;
};

// Samples of zero have the logarithm of the smallest energy, ln(FLT_EPSILON) = -15.94, in every
// bin.
constexpr float kSoundless = -15.9f;

int64_t count_silent(std::span<const float> feats, size_t num_mel_bins) {
  std::vector<float> levels(feats.size() / num_mel_bins);
  for (size_t row = 0; row < levels.size(); ++row) {
    const auto frame = feats.subspan(row * num_mel_bins, num_mel_bins);
    levels[row] = std::reduce(frame.begin(), frame.end()) / static_cast<float>(num_mel_bins);
  }
  std::vector<float> sorted = levels;
  const auto loud = sorted.begin() + static_cast<std::ptrdiff_t>((sorted.size() - 1) * 95 / 100);
  std::nth_element(sorted.begin(), loud, sorted.end());
  const auto threshold = static_cast<float>(*loud - kSilenceDb * kNatsPerDb);
  return std::count_if(levels.begin(), levels.end(),
                       [&](float level) { return level < threshold; });
}

/// All that can be wrong is told, where ShardSet::read() would throw at the first.
Check check_utterance(const FileDescriptor& file, const UtteranceEntry& entry,
                      size_t num_mel_bins) {
  Check check;
  std::vector<uint16_t> halves(static_cast<size_t>(entry.num_frames) * num_mel_bins);
  const size_t size = halves.size() * sizeof(uint16_t);
  auto* bytes = reinterpret_cast<char*>(halves.data());
  for (size_t done = 0; done < size;) {
    const ssize_t got = ::pread(file.get(), bytes + done, size - done,
                                entry.byte_offset + static_cast<off_t>(done));
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) {
      check.problems.push_back("cannot be read to its end");
      return check;
    }
    done += static_cast<size_t>(got);
  }
  if (crc32c(bytes, size) != entry.crc32c) check.problems.push_back("wrong checksum");
  check.nan_values = std::count_if(halves.begin(), halves.end(), half_is_special);
  if (check.nan_values > 0) {
    check.problems.push_back(counted(check.nan_values, "value") + " NaN or infinite");
    return check;
  }
  std::vector<float> feats(halves.size());
  std::transform(halves.begin(), halves.end(), feats.begin(), half_to_float);
  check.soundless = std::all_of(feats.begin(), feats.end(), [](float x) { return x < kSoundless; });
  check.silent_frames = check.soundless ? entry.num_frames : count_silent(feats, num_mel_bins);
  return check;
}

double frame_shift_of(const std::string& fbank) {
  const std::string key = "frame_shift_ms=";
  const size_t at = fbank.find(key);
  return at == std::string::npos ? 0 : std::strtod(fbank.c_str() + at + key.size(), nullptr);
}

class Verifier {
 public:
  Verifier(const fs::path& folder, int threads, const std::function<bool()>& stop)
      : folder_(folder), threads_(threads), stop_(stop) {}

  VerifyReport run() {
    const std::vector<Manifest> manifests = read_manifests(folder_);
    report_.parts = static_cast<int>(manifests.size());
    report_.fbank = manifests[0].fbank;
    report_.frame_shift_ms = frame_shift_of(report_.fbank);
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
    report_.speakers = static_cast<int64_t>(speakers_.size());
    std::sort(report_.lengths.begin(), report_.lengths.end());
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

  void check_utterances(const std::string& file, const ShardIndex& index) {
    const FileDescriptor descriptor(folder_ / file, O_RDONLY);
    const auto num_mel_bins = static_cast<size_t>(index.info.num_mel_bins);
    OrderedWorkers<Check> workers(
        threads_, static_cast<int64_t>(index.utts.size()), [&](int64_t i) {
          return check_utterance(descriptor, index.utts[static_cast<size_t>(i)], num_mel_bins);
        });
    for (const UtteranceEntry& entry : index.utts) {
      if (stop_()) {
        report_.stopped = true;
        return;
      }
      const Check check = workers.next();
      for (const std::string& text : check.problems) {
        problem(concat("utterance ", entry.utt, " in ", file, ": ", text, kRemedy));
      }
      if (!utts_.insert(entry.utt).second) {
        problem(concat("utterance ", entry.utt, " occurs twice, again in ", file));
      }
      if (!entry.spk.empty()) speakers_.insert(entry.spk);
      ++report_.utts;
      report_.frames += entry.num_frames;
      report_.lengths.push_back(entry.num_frames);
      report_.silent_frames += check.silent_frames;
      if (check.soundless) report_.soundless.push_back(entry.utt);
      report_.nan_values += check.nan_values;
    }
  }

  const fs::path folder_;
  const int threads_;
  const std::function<bool()>& stop_;
  std::unordered_set<std::string> utts_;
  std::set<std::string> speakers_;
  VerifyReport report_;
};

}  // namespace

VerifyReport verify_shards(const fs::path& folder, int threads, const std::function<bool()>& stop) {
  SPC_USAGE_CHECK(threads > 0, "threads = ", threads, ", must be > 0");
  return Verifier(folder, threads, stop).run();
}

std::string summary(const VerifyReport& report) {
  const double shift = report.frame_shift_ms / 1000;
  const auto seconds = [&](int64_t frames) {
    return fixed(static_cast<double>(frames) * shift, 2);
  };
  std::string text =
      concat("shards      ", report.shards, " in ", counted(report.parts, "part"), "\nutterances  ",
             report.utts, "\nframes      ", report.frames, "\nhours       ",
             hours_text(static_cast<double>(report.frames) * shift / 3600), "\nspeakers    ",
             report.speakers > 0 ? std::to_string(report.speakers) : "not known");
  if (!report.lengths.empty()) {
    text += concat("\nduration    ", seconds(report.lengths.front()), " s shortest, ",
                   seconds(report.lengths[report.lengths.size() / 2]), " s median, ",
                   seconds(report.lengths.back()), " s longest");
    text += concat("\nsilence     ",
                   fixed(100.0 * static_cast<double>(report.silent_frames) /
                             static_cast<double>(report.frames),
                         2),
                   " % of the frames, more than ", kSilenceDb,
                   " dB below the loud ones of their utterance");
    if (!report.soundless.empty())
      text += concat("\nsoundless   ",
                     counted(static_cast<int64_t>(report.soundless.size()), "utterance"),
                     " of nothing but zeros, the first is ", report.soundless.front());
  }
  return concat(text, "\nNaN         ", counted(report.nan_values, "value"), "\nleft out    ",
                counted(static_cast<int64_t>(report.bad.size()), "file"),
                " while packing\nfbank       ", report.fbank);
}

}  // namespace spc
