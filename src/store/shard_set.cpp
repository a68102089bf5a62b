#include "store/shard_set.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cmath>
#include <cstring>
#include <list>
#include <mutex>
#include <unordered_set>

#include "base/clock.h"
#include "base/crc32c.h"
#include "base/error.h"
#include "kernels/half_kernels.h"
#include "store/h5.h"
#include "store/manifest.h"

namespace spc {
namespace {

constexpr size_t kMaxOpenFiles = 32;
constexpr const char* kRemedy =
    "; delete the file and run `spcnet-data fbank` again, it packs what is missing";

/// The index of augmented copies, and in every utterance where its own begin.
void read_copies(hid_t id, ShardIndex& index, int64_t total_frames, int64_t offset,
                 int64_t row_bytes) {
  index.info.copies = h5::string_attribute(id, "/", "copies").value_or("");
  if (!h5::exists(id, "/copy")) return;
  const std::vector<int64_t> utts = h5::read<int64_t>(id, "/copy/utt");
  const std::vector<int64_t> begins = h5::read<int64_t>(id, "/copy/first_frame");
  const std::vector<uint32_t> crcs = h5::read<uint32_t>(id, "/copy/crc32c");
  SPC_CHECK(begins.size() == utts.size() && crcs.size() == utts.size(),
            "index columns of copies of different lengths", kRemedy);
  index.copies.reserve(utts.size());
  int64_t previous = 0;
  for (size_t i = 0; i < utts.size(); ++i) {
    SPC_CHECK(utts[i] >= previous && utts[i] < static_cast<int64_t>(index.utts.size()), "copy ", i,
              " belongs to no utterance: the index is damaged", kRemedy);
    previous = utts[i];
    UtteranceEntry& utt = index.utts[static_cast<size_t>(utts[i])];
    SPC_CHECK(begins[i] >= 0 && begins[i] <= total_frames - utt.num_frames, "copy ", i, " of ",
              utt.utt, " lies outside the features: the index is damaged", kRemedy);
    if (utt.num_copies++ == 0) utt.first_copy = static_cast<int64_t>(i);
    index.copies.push_back({offset + begins[i] * row_bytes, crcs[i]});
  }
}

}  // namespace

ShardIndex read_shard_index(const std::filesystem::path& path) {
  SPC_CHECK(
      std::filesystem::exists(path), "shard ", path.string(),
      " is missing; copy it back, or run `spcnet-data fbank` again after deleting the manifest");
  return with_context("shard " + path.string(), [&] {
    const auto open = [&] {
      try {
        return h5::open(path);
      } catch (const Error& error) {
        throw Error(concat("truncated or no shard (", error.what(), ")", kRemedy));
      }
    };
    const h5::File file = open();
    const hid_t id = file.get();
    const int64_t version = h5::int_attribute(id, "/", "format_version").value_or(0);
    SPC_CHECK(version == kShardFormatVersion, "format version ", version, ", this program reads ",
              kShardFormatVersion);
    const std::vector<hsize_t> shape = h5::shape(id, "/feats");
    SPC_CHECK(shape.size() == 2, "/feats must be a matrix");
    ShardIndex index;
    index.info.num_mel_bins = static_cast<int64_t>(shape[1]);
    index.info.fbank = h5::string_attribute(id, "/", "fbank").value_or("");
    index.info.item_begin = h5::int_attribute(id, "/", "item_begin").value_or(0);
    index.info.item_end = h5::int_attribute(id, "/", "item_end").value_or(0);
    index.info.items = h5::string_attribute(id, "/", "items").value_or("");
    if (h5::exists(id, "/bad")) index.info.bad = h5::read_strings(id, "/bad");

    const h5::Dataset feats(H5Dopen2(id, "/feats", H5P_DEFAULT), "/feats");
    const h5::Type type(H5Dget_type(feats.get()), "/feats");
    SPC_CHECK(H5Tequal(type.get(), h5::half_type().get()) > 0,
              "/feats must be little-endian float16");
    const haddr_t offset = H5Dget_offset(feats.get());
    SPC_CHECK(offset != HADDR_UNDEF || shape[0] == 0,
              "/feats must be contiguous, not chunked or compressed");

    std::vector<std::string> utts = h5::read_strings(id, "/utt");
    const std::vector<int64_t> first_frames = h5::read<int64_t>(id, "/first_frame");
    const std::vector<int64_t> num_frames = h5::read<int64_t>(id, "/num_frames");
    const std::vector<uint32_t> crcs = h5::read<uint32_t>(id, "/crc32c");
    std::vector<std::string> spks(utts.size());
    if (h5::exists(id, "/spk")) spks = h5::read_strings(id, "/spk");
    SPC_CHECK(first_frames.size() == utts.size() && num_frames.size() == utts.size() &&
                  crcs.size() == utts.size() && spks.size() == utts.size(),
              "index columns of different lengths");
    const auto total_frames = static_cast<int64_t>(shape[0]);
    const int64_t row_bytes = index.info.num_mel_bins * static_cast<int64_t>(sizeof(uint16_t));
    SPC_CHECK(static_cast<int64_t>(offset) + total_frames * row_bytes <=
                  static_cast<int64_t>(std::filesystem::file_size(path)),
              "the file is shorter than its features: truncated", kRemedy);
    index.utts.reserve(utts.size());
    for (size_t i = 0; i < utts.size(); ++i) {
      const bool inside = num_frames[i] > 0 && num_frames[i] <= total_frames &&
                          first_frames[i] >= 0 && first_frames[i] <= total_frames - num_frames[i];
      SPC_CHECK(inside, "utterance ", utts[i], " lies outside the features: the index is damaged",
                kRemedy);
      index.utts.push_back({std::move(utts[i]), std::move(spks[i]), 0,
                            static_cast<int64_t>(offset) + first_frames[i] * row_bytes,
                            num_frames[i], crcs[i]});
    }
    read_copies(id, index, total_frames, static_cast<int64_t>(offset), row_bytes);
    return index;
  });
}

// A few open files, the most recently used first: a corpus can have more shards than a process may
// open.
struct ShardSet::OpenFiles {
  std::mutex mutex;
  std::list<std::pair<int32_t, std::shared_ptr<const FileDescriptor>>> files;
  std::atomic<int64_t> bytes_read = 0;
  std::atomic<int64_t> read_ns = 0;
};

int64_t ShardSet::bytes_read() const {
  return open_files_->bytes_read;
}

double ShardSet::read_seconds() const {
  return static_cast<double>(open_files_->read_ns) * 1e-9;
}

ShardSet::~ShardSet() = default;
ShardSet::ShardSet(ShardSet&&) noexcept = default;
ShardSet& ShardSet::operator=(ShardSet&&) noexcept = default;

ShardSet::ShardSet(const std::vector<std::string>& folders)
    : open_files_(std::make_unique<OpenFiles>()) {
  SPC_CHECK(!folders.empty(), "no folder of shards given; use --shards DIR");
  std::vector<std::pair<std::filesystem::path, int64_t>> shards;  // and how many utterances
  int64_t total = 0;
  for (const std::string& folder : folders) {
    for (const Manifest& manifest : read_manifests(folder)) {
      for (const ManifestShard& shard : manifest.shards) {
        shards.emplace_back(std::filesystem::path(folder) / shard.file, shard.num_utts);
        total += shard.num_utts;
      }
    }
  }
  SPC_CHECK(total > 0, "no utterance in ", folders[0]);
  // There may be millions: room for as many and no more, and no second copy of their names.
  utts_.reserve(static_cast<size_t>(total));
  std::unordered_set<std::string_view> seen;
  seen.reserve(static_cast<size_t>(total));
  for (const auto& [path, num_utts] : shards) {
    ShardIndex index = read_shard_index(path);
    SPC_CHECK(static_cast<int64_t>(index.utts.size()) == num_utts, "shard ", path.string(),
              " holds ", index.utts.size(), " utterances, the manifest says ", num_utts, kRemedy);
    if (paths_.empty()) {
      num_mel_bins_ = index.info.num_mel_bins;
      fbank_ = index.info.fbank;
    }
    SPC_CHECK(index.info.num_mel_bins == num_mel_bins_ && index.info.fbank == fbank_,
              "shards disagree on the features: ", paths_.empty() ? "" : paths_[0].string(),
              " has '", fbank_, "', ", path.string(), " has '", index.info.fbank, "'");
    for (UtteranceEntry& entry : index.utts) {
      entry.shard = static_cast<int32_t>(paths_.size());
      entry.first_copy += num_copies();
      const UtteranceEntry& kept = utts_.emplace_back(std::move(entry));
      SPC_CHECK(seen.insert(kept.utt).second, "utterance ", kept.utt, " occurs twice, again in ",
                path.string(), "; utterance ids must be unique over all --shards");
    }
    copies_.insert(copies_.end(), index.copies.begin(), index.copies.end());
    paths_.push_back(path);
  }
}

void ShardSet::select(const std::vector<std::string_view>& utts) {
  std::unordered_set<std::string_view> wanted(utts.begin(), utts.end());
  const auto is_wanted = [&](const UtteranceEntry& entry) { return wanted.contains(entry.utt); };
  const auto count = static_cast<size_t>(std::count_if(utts_.begin(), utts_.end(), is_wanted));
  if (count < wanted.size()) {
    for (const UtteranceEntry& entry : utts_) wanted.erase(entry.utt);
    throw Error(concat(wanted.size(), " utterances of the list are in no shard, among them ",
                       *wanted.begin()));
  }
  SPC_CHECK(count > 0, "the list of utterances is empty");
  std::vector<UtteranceEntry> kept;
  kept.reserve(count);
  for (UtteranceEntry& entry : utts_)
    if (is_wanted(entry)) kept.push_back(std::move(entry));
  utts_ = std::move(kept);
}

std::vector<std::string> ShardSet::ids() const {
  std::vector<std::string> ids;
  ids.reserve(utts_.size());
  for (const UtteranceEntry& entry : utts_) ids.push_back(entry.utt);
  return ids;
}

std::shared_ptr<const FileDescriptor> ShardSet::descriptor(int32_t shard) const {
  const std::lock_guard lock(open_files_->mutex);
  auto& files = open_files_->files;
  const auto found = std::find_if(files.begin(), files.end(),
                                  [&](const auto& each) { return each.first == shard; });
  if (found != files.end()) {
    files.splice(files.begin(), files, found);
  } else {
    files.emplace_front(shard, std::make_shared<const FileDescriptor>(shard_path(shard), O_RDONLY));
    if (files.size() > kMaxOpenFiles) files.pop_back();
  }
  return files.front().second;
}

void ShardSet::read(const UtteranceEntry& entry, std::vector<float>& feats, bool verify) const {
  read_rows(entry, {entry.byte_offset, entry.crc32c}, feats, verify);
}

void ShardSet::read_copy(const UtteranceEntry& entry, int32_t copy,
                         std::vector<float>& feats) const {
  read_rows(entry, copy_entry(entry, copy), feats, true);
}

const CopyEntry& ShardSet::copy_entry(const UtteranceEntry& entry, int32_t copy) const {
  SPC_ASSERT(copy >= 0 && copy < entry.num_copies, entry.utt, " has no copy ", copy);
  return copies_[static_cast<size_t>(entry.first_copy + copy)];
}

void ShardSet::announce(const UtteranceEntry& entry) const {
  announce_rows(entry, entry.byte_offset);
}

void ShardSet::announce_copy(const UtteranceEntry& entry, int32_t copy) const {
  announce_rows(entry, copy_entry(entry, copy).byte_offset);
}

void ShardSet::announce_rows(const UtteranceEntry& entry, int64_t byte_offset) const {
  const int64_t bytes = entry.num_frames * num_mel_bins_ * static_cast<int64_t>(sizeof(uint16_t));
  // A hint: a file system that makes nothing of it is read when it is asked to.
  ::posix_fadvise(descriptor(entry.shard)->get(), byte_offset, bytes, POSIX_FADV_WILLNEED);
}

void ShardSet::read_rows(const UtteranceEntry& entry, const CopyEntry& place,
                         std::vector<float>& feats, bool verify) const {
  const Stopwatch watch;
  const size_t count = static_cast<size_t>(entry.num_frames * num_mel_bins_);
  thread_local std::vector<uint16_t> halves;
  if (halves.size() < count) halves.resize(count);
  const std::shared_ptr<const FileDescriptor> file = descriptor(entry.shard);
  auto* bytes = reinterpret_cast<char*>(halves.data());
  const auto where = [&] {
    const bool is_copy = place.byte_offset != entry.byte_offset;
    return concat(is_copy ? "a copy of " : "", "utterance ", entry.utt, " in shard ",
                  shard_path(entry.shard).string());
  };
  for (size_t done = 0; done < count * sizeof(uint16_t);) {
    const ssize_t got = ::pread(file->get(), bytes + done, count * sizeof(uint16_t) - done,
                                place.byte_offset + static_cast<off_t>(done));
    if (got < 0 && errno == EINTR) continue;
    SPC_CHECK(got > 0, where(), ": ",
              got == 0 ? "the file ends too early: truncated" : std::strerror(errno), kRemedy);
    done += static_cast<size_t>(got);
  }
  open_files_->bytes_read += static_cast<int64_t>(count * sizeof(uint16_t));
  if (verify) {
    SPC_CHECK(crc32c(bytes, count * sizeof(uint16_t)) == place.crc32c, where(),
              ": wrong checksum, the data changed on the disk", kRemedy);
  }
  feats.resize(count);
  SPC_CHECK(half_kernels().widen(halves.data(), static_cast<int64_t>(count), feats.data()), where(),
            ": a feature is NaN or infinite", kRemedy);
  open_files_->read_ns += std::llround(watch.seconds() * 1e9);
}

bool same_features(const std::string& fbank, const std::string& other) {
  const auto without_dither = [](const std::string& options) {
    std::vector<std::string> words = split_words(options);
    std::erase_if(words, [](const std::string& word) { return word.starts_with("dither="); });
    return words;
  };
  return without_dither(fbank) == without_dither(other);
}

}  // namespace spc
