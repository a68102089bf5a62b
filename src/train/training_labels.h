// The labels of the utterances that are trained on.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "store/shard_set.h"

namespace spc {

struct TrainingLabels {
  std::vector<int64_t> classes;    // of each utterance of the set, counted through
  std::vector<std::string> names;  // of the classes: the labels that its utterances have
};

/// @param path  `utt label` lines; other utterances than those of the set are passed over
/// @throws Error  an utterance has no label, or all have the same one
TrainingLabels read_training_labels(const std::filesystem::path& path, const ShardSet& shards);
/// The same; nothing where no path is given.
std::optional<TrainingLabels> read_labels_if_given(const std::string& path, const ShardSet& shards);

/// Which utterance has which label: "100 classes, crc32c 123".
std::string fingerprint(const TrainingLabels& labels);

}  // namespace spc
