#include "data/duplicates.h"

#include <fcntl.h>

#include <algorithm>
#include <utility>

#include "base/error.h"
#include "base/file.h"
#include "data/ranking.h"
#include "data/utterance_check.h"

namespace spc {
namespace {

/// Keeps the largest groups.
void note(Duplicates& found, DuplicateGroup group) {
  ++found.groups;
  found.utts += group.size;
  const auto place = std::upper_bound(
      found.first.begin(), found.first.end(), group,
      [](const DuplicateGroup& a, const DuplicateGroup& b) { return a.size > b.size; });
  found.first.insert(place, std::move(group));
  if (found.first.size() > kMostListed) found.first.pop_back();
}

bool read_again(const ShardFile& shard, const UtteranceEntry& entry,
                std::vector<uint16_t>& halves) {
  try {
    return read_halves(FileDescriptor(shard.path, O_RDONLY), entry, shard.num_mel_bins, halves);
  } catch (const Error&) {  // it is gone since it was read
    return false;
  }
}

}  // namespace

void DuplicateFinder::add(const std::string& utt, const UtteranceEntry& entry, int32_t shard) {
  places_.push_back({entry.crc32c, shard, entry.num_frames, entry.byte_offset, &utt});
}

std::optional<Duplicates> DuplicateFinder::find(const std::vector<ShardFile>& shards,
                                                const std::function<bool()>& stop) {
  const auto key = [](const Place& place) { return std::pair(place.crc32c, place.num_frames); };
  std::stable_sort(places_.begin(), places_.end(),
                   [&](const Place& a, const Place& b) { return key(a) < key(b); });
  Duplicates found;
  std::vector<uint16_t> halves;
  for (auto begin = places_.begin(); begin != places_.end();) {
    const auto end = std::find_if(begin, places_.end(),
                                  [&](const Place& place) { return key(place) != key(*begin); });
    std::vector<std::pair<std::vector<uint16_t>, DuplicateGroup>> kinds;  // nearly always one
    for (auto place = begin; end - begin > 1 && place != end; ++place) {
      if (stop()) return std::nullopt;
      UtteranceEntry entry;
      entry.byte_offset = place->byte_offset;
      entry.num_frames = place->num_frames;
      if (!read_again(shards[static_cast<size_t>(place->shard)], entry, halves)) continue;
      auto kind = std::find_if(kinds.begin(), kinds.end(),
                               [&](const auto& each) { return each.first == halves; });
      if (kind == kinds.end()) kind = kinds.insert(kind, {halves, {}});
      if (++kind->second.size <= static_cast<int64_t>(kMostListed))
        kind->second.utts.push_back(*place->utt);
    }
    for (auto& [bytes, group] : kinds)
      if (group.size > 1) note(found, std::move(group));
    begin = end;
  }
  return found;
}

}  // namespace spc
