#include "store/shard_writer.h"

#include <algorithm>

#include "base/crc32c.h"
#include "base/error.h"
#include "base/file.h"
#include "kernels/half_kernels.h"
#include "store/h5.h"

namespace spc {
namespace {

template <class T>
void write_column(hid_t file, const char* name, const std::vector<SourceLevels>& levels,
                  T SourceLevels::*member) {
  std::vector<T> column;
  column.reserve(levels.size());
  for (const SourceLevels& each : levels) column.push_back(each.*member);
  h5::write(file, name, column);
}

void write_levels(hid_t file, const std::vector<SourceLevels>& levels) {
  if (std::none_of(levels.begin(), levels.end(), [](const auto& each) { return each.measured(); }))
    return;
  write_column(file, "/peak_db", levels, &SourceLevels::peak_db);
  write_column(file, "/rms_db", levels, &SourceLevels::rms_db);
  write_column(file, "/clipped", levels, &SourceLevels::clipped);
  write_column(file, "/source_rate", levels, &SourceLevels::source_rate);
}

}  // namespace

uint32_t ShardWriter::append(std::span<const float> feats) {
  SPC_CHECK(!feats.empty() && feats.size() % static_cast<size_t>(num_mel_bins_) == 0,
            "no whole frame of features");
  const size_t begin = feats_.size();
  feats_.resize(begin + feats.size());
  if (!half_kernels().narrow(feats.data(), static_cast<int64_t>(feats.size()),
                             feats_.data() + begin)) {
    feats_.resize(begin);
    throw Error("a feature is NaN, infinite or too large for float16");
  }
  return crc32c(feats_.data() + begin, feats.size() * sizeof(uint16_t));
}

void ShardWriter::add(const std::string& utt, const std::string& spk, std::span<const float> feats,
                      const SourceLevels& levels) {
  const int64_t begin = num_rows();
  const uint32_t crc = with_context(utt, [&] { return append(feats); });
  utts_.push_back(utt);
  spks_.push_back(spk);
  first_frames_.push_back(begin);
  num_frames_.push_back(num_rows() - begin);
  crcs_.push_back(crc);
  utt_frames_ += num_frames_.back();
  levels_.push_back(levels);
}

void ShardWriter::add_copy(std::span<const float> feats, const std::string& recipe) {
  SPC_ASSERT(
      !utts_.empty() && static_cast<int64_t>(feats.size()) == num_frames_.back() * num_mel_bins_,
      "a copy has as many frames as its utterance");
  const int64_t begin = num_rows();
  const uint32_t crc =
      with_context(concat(utts_.back(), ": its copy by ", recipe), [&] { return append(feats); });
  copies_.utt.push_back(num_utts() - 1);
  copies_.first_frame.push_back(begin);
  copies_.crc32c.push_back(crc);
  copies_.recipe.push_back(recipe);
}

void ShardWriter::remove_last() {
  SPC_ASSERT(!utts_.empty(), "no utterance to remove");
  while (!copies_.utt.empty() && copies_.utt.back() == num_utts() - 1) {
    copies_.utt.pop_back();
    copies_.first_frame.pop_back();
    copies_.crc32c.pop_back();
    copies_.recipe.pop_back();
  }
  feats_.resize(static_cast<size_t>(first_frames_.back() * num_mel_bins_));
  utt_frames_ -= num_frames_.back();
  utts_.pop_back();
  spks_.pop_back();
  first_frames_.pop_back();
  num_frames_.pop_back();
  crcs_.pop_back();
  levels_.pop_back();
}

void ShardWriter::publish(const std::filesystem::path& path, const ShardInfo& info) {
  write_atomically(path, [&](const std::filesystem::path& temporary) {
    h5::File file = h5::create(temporary);
    const auto rows = static_cast<hsize_t>(num_rows());
    h5::write(file.get(), "/feats", h5::half_type().get(),
              {rows, static_cast<hsize_t>(num_mel_bins_)}, feats_.data());
    h5::write_strings(file.get(), "/utt", utts_);
    h5::write(file.get(), "/first_frame", first_frames_);
    h5::write(file.get(), "/num_frames", num_frames_);
    h5::write(file.get(), "/crc32c", crcs_);
    if (std::any_of(spks_.begin(), spks_.end(),
                    [](const std::string& spk) { return !spk.empty(); })) {
      h5::write_strings(file.get(), "/spk", spks_);
    }
    if (!copies_.utt.empty()) {
      h5::write(file.get(), "/copy/utt", copies_.utt);
      h5::write(file.get(), "/copy/first_frame", copies_.first_frame);
      h5::write(file.get(), "/copy/crc32c", copies_.crc32c);
      h5::write_strings(file.get(), "/copy/recipe", copies_.recipe);
    }
    if (!info.copies.empty()) h5::set_attribute(file.get(), "/", "copies", info.copies);
    write_levels(file.get(), levels_);
    if (!info.bad.empty()) h5::write_strings(file.get(), "/bad", info.bad);
    h5::set_attribute(file.get(), "/", "format_version", kShardFormatVersion);
    h5::set_attribute(file.get(), "/", "fbank", info.fbank);
    h5::set_attribute(file.get(), "/", "item_begin", info.item_begin);
    h5::set_attribute(file.get(), "/", "item_end", info.item_end);
    h5::set_attribute(file.get(), "/", "items", info.items);
    file.close("cannot finish the file");
  });
  *this = ShardWriter(num_mel_bins_);
}

}  // namespace spc
