#include "train/training_labels.h"

#include <string_view>
#include <unordered_map>

#include "base/crc32c.h"
#include "base/error.h"
#include "pseudo/labels.h"

namespace spc {

TrainingLabels read_training_labels(const std::filesystem::path& path, const ShardSet& shards) {
  const Labels all = read_labels(path);
  std::unordered_map<std::string_view, int32_t> class_of;
  class_of.reserve(all.utts.size());
  for (size_t i = 0; i < all.utts.size(); ++i) class_of.emplace(all.utts[i], all.classes[i]);
  std::vector<int32_t> found;
  std::vector<bool> occurs(all.names.size());
  std::string without;
  int64_t missing = 0;
  for (const UtteranceEntry& entry : shards.utts()) {
    const auto at = class_of.find(entry.utt);
    if (at == class_of.end()) {
      if (missing++ == 0) without = entry.utt;
      continue;
    }
    found.push_back(at->second);
    occurs[static_cast<size_t>(at->second)] = true;
  }
  SPC_CHECK(missing == 0, missing, " of ", shards.utts().size(), " utterances have no label in ",
            path.string(), ", the first is ", without,
            "; give them one, or train on the others alone with --utts ", path.string());
  TrainingLabels labels;
  std::vector<int64_t> place(all.names.size());
  for (size_t i = 0; i < all.names.size(); ++i) {
    if (!occurs[i]) continue;
    place[i] = static_cast<int64_t>(labels.names.size());
    labels.names.push_back(all.names[i]);
  }
  SPC_CHECK(labels.names.size() >= 2, path.string(), " gives every utterance the label ",
            labels.names[0], "; a classifier needs two");
  for (const int32_t label : found) labels.classes.push_back(place[static_cast<size_t>(label)]);
  return labels;
}

std::optional<TrainingLabels> read_labels_if_given(const std::string& path,
                                                   const ShardSet& shards) {
  if (path.empty()) return std::nullopt;
  return read_training_labels(path, shards);
}

std::string fingerprint(const TrainingLabels& labels) {
  uint32_t crc = crc32c(labels.classes.data(), labels.classes.size() * sizeof(int64_t));
  for (const std::string& name : labels.names) crc = crc32c(name.data(), name.size() + 1, crc);
  return concat(labels.names.size(), " classes, crc32c ", crc);
}

}  // namespace spc
