#include "data/packer.h"

#include <algorithm>
#include <ctime>
#include <memory>
#include <optional>
#include <span>
#include <utility>

#include "base/clock.h"
#include "base/error.h"
#include "base/file.h"
#include "base/log.h"
#include "base/random.h"
#include "data/ordered_workers.h"
#include "data/out_folder.h"
#include "data/progress.h"
#include "data/shard_plan.h"
#include "data/speaker_list.h"
#include "data/text.h"
#include "feat/wave.h"
#include "store/manifest.h"
#include "store/shard_writer.h"

namespace spc {
namespace {

namespace fs = std::filesystem;

struct PackedCopy {
  std::vector<float> feats;  // [T, F]
  std::string recipe;
};

/// What a worker makes of one row.
struct Packed {
  std::vector<float> feats;  // [T, F]
  std::vector<PackedCopy> copies;
  int source_rate = 0;  // Hz
  int source_channels = 0;
  std::string problem;  // why there are no features; empty when there are
  SourceLevels levels;  // of the file
};

/// Noise that depends on the utterance's name and on nothing else; another one for each copy.
Random dither_random(const std::string& utt, int copy) {
  uint64_t name = 0;
  for (const char c : utt) name = mix64(name ^ static_cast<unsigned char>(c));
  return copy == 0 ? Random(0, {name}) : Random(0, {name, static_cast<uint64_t>(copy)});
}

std::vector<float> features(const Fbank& fbank, std::span<const float> samples,
                            const std::string& utt, int copy) {
  Random random = dither_random(utt, copy);
  return fbank.compute(samples, &random);
}

/// @param augmenter  may be null: no copies
Packed compute(const Fbank& fbank, const WaveAugmenter* augmenter, int num_copies,
               const InputItem& item) {
  Packed packed;
  try {
    const int sample_rate = fbank.config().sample_rate;
    Wave wave = read_wave(item.path, sample_rate);
    if (item.speed != 1) wave.samples = change_speed(wave.samples, item.speed);
    const auto num_samples = static_cast<int64_t>(wave.samples.size());
    SPC_CHECK(fbank.num_frames(num_samples) > 0, item.path, " is shorter than one frame: ",
              fixed(1000.0 * static_cast<double>(num_samples) / sample_rate, 1), " ms of ",
              to_text(fbank.config().frame_length_ms));
    packed.feats = features(fbank, wave.samples, item.utt, 0);
    packed.source_rate = wave.source_rate;
    packed.source_channels = wave.source_channels;
    packed.copies.reserve(static_cast<size_t>(num_copies));
    for (int copy = 1; copy <= num_copies; ++copy) {
      const Copy made = augmenter->make(wave.samples, item.utt, item.path, copy);
      packed.copies.push_back({features(fbank, made.samples, item.utt, copy), made.recipe});
    }
    packed.levels = {wave.levels.peak_db, wave.levels.rms_db, wave.levels.clipped,
                     wave.source_rate};
  } catch (const std::exception& error) {
    packed.problem = error.what();
  }
  return packed;
}

/// Two processes at one part would overwrite each other's unfinished files. Some file systems of
/// clusters cannot lock; there, nobody watches.
std::optional<FileLock> lock_part(const fs::path& folder, const ListPart& part) {
  const fs::path path = folder / concat(".lock-", part.part, "-of-", part.parts);
  const std::string busy = concat("another process packs part ", part.part, " of ", part.parts,
                                  " into ", folder.string(), " now; wait for it, or end it");
  try {
    return std::optional<FileLock>(std::in_place, path, busy);
  } catch (const Error& error) {
    if (error.what() == busy) throw;
    log_warning(concat(error.what(), "; make sure that one process packs this part"));
    return std::nullopt;
  }
}

std::unique_ptr<const WaveAugmenter> make_augmenter(const PackOptions& options) {
  if (options.copies.num == 0) return nullptr;
  return std::make_unique<WaveAugmenter>(options.copies, options.sources,
                                         options.fbank.sample_rate);
}

class Packer {
 public:
  Packer(const std::vector<InputItem>& items, const PackOptions& options)
      : items_(items),
        options_(options),
        part_(list_part(static_cast<int64_t>(items.size()), options.part, options.parts)),
        fbank_(options.fbank),
        augmenter_(make_augmenter(options)),
        description_(options.fbank.description()),
        copies_(augmenter_ ? augmenter_->description() : ""),
        fingerprint_(fingerprint(items, part_,
                                 copies_.empty() ? description_ : description_ + "; " + copies_,
                                 options.shard_frames)),
        writer_(options.fbank.num_mel_bins) {}

  PackResult run() {
    make_out_folder(options_.out);
    const std::optional<FileLock> lock = lock_part(options_.out, part_);
    const ShardPlan plan = plan_shards(options_.out, part_, {fingerprint_, description_, copies_});
    take_over(plan);
    const std::clock_t core_start = std::clock();
    if (!plan.complete) {
      fs::remove(options_.out / kSpeakerList);  // true no longer
      pack_gaps(plan.gaps);
      if (!result_.stopped) finish();
    }
    if (!result_.stopped && !fs::exists(options_.out / kSpeakerList))
      write_speaker_list(options_.out, part_.part, part_.parts);
    result_.wall_seconds = clock_.seconds();
    result_.core_seconds = static_cast<double>(std::clock() - core_start) / CLOCKS_PER_SEC;
    std::sort(files_.begin(), files_.end(),
              [](const auto& a, const auto& b) { return a.first < b.first; });
    for (const auto& [number, shard] : files_) result_.shards.push_back(shard.file);
    return std::move(result_);
  }

 private:
  /// Counts what an earlier run left.
  void take_over(const ShardPlan& plan) {
    result_.was_complete = plan.complete;
    result_.speakers = plan.speakers;
    for (const KeptShard& shard : plan.kept) {
      note_shard(shard.number, {shard.file, shard.num_utts, shard.num_frames}, shard.info.bad);
      result_.kept_utts += shard.num_utts;
    }
    result_.kept_shards = static_cast<int64_t>(plan.kept.size());
    if (plan.complete || plan.kept.empty()) return;
    log_info(concat("continuing: ", counted(result_.kept_shards, "shard"), " with ",
                    counted(result_.kept_utts, "utterance"), " are there"));
    check_bad_allowed();
  }

  void check_bad_allowed() const {
    SPC_CHECK(!options_.fail_on_bad || result_.bad.empty(), result_.bad.front(),
              "; --fail-on-bad ends the run here, the shards before it are kept");
  }

  void note_shard(int64_t number, ManifestShard shard, const std::vector<std::string>& bad) {
    result_.utts += shard.num_utts;
    result_.frames += shard.num_frames;
    result_.bad.insert(result_.bad.end(), bad.begin(), bad.end());
    if (!bad.empty()) result_.bad_shards.push_back(shard.file);
    files_.emplace_back(number, std::move(shard));
  }

  void pack_gaps(const std::vector<Gap>& gaps) {
    std::vector<int64_t> rows;
    for (const Gap& gap : gaps) {
      for (int64_t row = gap.item_begin; row < gap.item_end; ++row) rows.push_back(row);
    }
    Progress progress(static_cast<int64_t>(rows.size()));
    OrderedWorkers<Packed> workers(options_.threads, static_cast<int64_t>(rows.size()),
                                   [&](int64_t index) {
                                     return compute(fbank_, augmenter_.get(), options_.copies.num,
                                                    item(rows[static_cast<size_t>(index)]));
                                   });
    int64_t done = 0;
    for (const Gap& gap : gaps) {
      const bool last = &gap == &gaps.back();
      int64_t number = gap.number_begin;
      int64_t shard_begin = gap.item_begin;
      for (int64_t row = gap.item_begin; row < gap.item_end; ++row) {
        if (options_.stop()) {
          result_.stopped = true;
          return;
        }
        const Packed packed = workers.next();
        // A full shard waits for the next good utterance, so that bad rows belong to the one
        // before.
        const bool full = writer_.num_rows() >= options_.shard_frames;
        if (full && packed.problem.empty() && number + 1 < gap.number_end) {
          publish(number++, std::exchange(shard_begin, row), row);
        }
        add(item(row), packed);
        progress.report(++done, result_.speech_seconds);
      }
      SPC_CHECK(!last || result_.utts + writer_.num_utts() > 0, "none of the ",
                counted(part_.end - part_.begin, "file"), " could be packed, the first problem is ",
                bad_.front());
      publish(number, shard_begin, gap.item_end);
    }
  }

  void add(const InputItem& item, const Packed& packed) {
    std::string problem = packed.problem;
    if (problem.empty()) {
      try {
        add_whole(item, packed);
      } catch (const Error& error) {
        problem = error.what();
      }
    }
    if (!problem.empty()) {
      if (!problem.starts_with(item.utt + ": ")) problem = item.utt + ": " + problem;
      SPC_CHECK(!options_.fail_on_bad, problem,
                "; --fail-on-bad ends the run here, the shards before it are kept");
      log_warning("left out " + problem);
      bad_.push_back(problem);
      return;
    }
    result_.copies += static_cast<int64_t>(packed.copies.size());
    if (!item.spk.empty()) result_.speakers.insert(item.spk);
    if (packed.source_rate != options_.fbank.sample_rate) ++result_.resampled[packed.source_rate];
    if (packed.source_channels > 1) ++result_.averaged;
    const auto frames = static_cast<double>(packed.feats.size()) / options_.fbank.num_mel_bins;
    result_.speech_seconds += frames * options_.fbank.frame_shift_ms / 1000;
  }

  /// The utterance with all of its copies, or, when one of them cannot be stored, nothing of it.
  void add_whole(const InputItem& item, const Packed& packed) {
    writer_.add(item.utt, item.spk, packed.feats, packed.levels);
    try {
      for (const PackedCopy& copy : packed.copies) writer_.add_copy(copy.feats, copy.recipe);
    } catch (const Error&) {
      writer_.remove_last();
      throw;
    }
  }

  void publish(int64_t number, int64_t item_begin, int64_t item_end) {
    ManifestShard shard{shard_name(part_, number), writer_.num_utts(), writer_.num_frames()};
    writer_.publish(options_.out / shard.file, {description_, options_.fbank.num_mel_bins,
                                                item_begin, item_end, fingerprint_, bad_, copies_});
    note_shard(number, std::move(shard), bad_);
    bad_.clear();
  }

  void finish() {
    std::sort(files_.begin(), files_.end(),
              [](const auto& a, const auto& b) { return a.first < b.first; });
    Manifest manifest{part_.part,
                      part_.parts,
                      description_,
                      fingerprint_,
                      static_cast<int64_t>(result_.bad.size()),
                      {},
                      copies_};
    for (const auto& [number, shard] : files_) manifest.shards.push_back(shard);
    write_manifest(options_.out, manifest);
  }

  [[nodiscard]] const InputItem& item(int64_t row) const {
    return items_[static_cast<size_t>(row)];
  }

  const std::vector<InputItem>& items_;
  const PackOptions& options_;
  const ListPart part_;
  const Fbank fbank_;
  const std::unique_ptr<const WaveAugmenter> augmenter_;  // null: no copies
  const std::string description_;
  const std::string copies_;  // how they are made
  const std::string fingerprint_;
  ShardWriter writer_;
  std::vector<std::string> bad_;  // of the shard in progress
  std::vector<std::pair<int64_t, ManifestShard>> files_;
  PackResult result_;
  Stopwatch clock_;
};

}  // namespace

PackResult pack(const std::vector<InputItem>& items, const PackOptions& options) {
  SPC_USAGE_CHECK(options.parts >= 1 && options.part >= 1 && options.part <= options.parts, "part ",
                  options.part, " of ", options.parts, ", must be 1 to the number of parts");
  SPC_USAGE_CHECK(options.shard_frames > 0, "shard-frames = ", options.shard_frames,
                  ", must be > 0");
  SPC_USAGE_CHECK(options.threads > 0, "threads = ", options.threads, ", must be > 0");
  SPC_USAGE_CHECK(!options.out.empty(), "no folder for the shards; use --out DIR");
  return Packer(items, options).run();
}

}  // namespace spc
