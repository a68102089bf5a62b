// How often labels, their gate and their correction are right, where the shards know the speakers.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <optional>
#include <vector>

#include "store/shard_set.h"
#include "train/label_ledger.h"
#include "train/training_labels.h"

namespace spc {

/// Speakers of utterances as numbers, ascending from 0 in the order of the set; -1: unknown.
std::vector<int32_t> speaker_numbers(const ShardSet& shards);

class LabelTruth {
 public:
  /// @param labels, speakers  of the same utterances
  LabelTruth(const TrainingLabels& labels, std::vector<int32_t> speakers);

  /// @param decisions  int64 [U]: kTrusted, kDropped or a class
  /// @returns none where no speaker is known; utterances of unknown speakers do not count
  [[nodiscard]] std::optional<LabelQuality> judge(const at::Tensor& decisions) const;

 private:
  std::vector<int64_t> classes_;           // the labels
  std::vector<int32_t> speakers_;          // of the utterances
  std::vector<int32_t> speaker_of_class_;  // the commonest
};

}  // namespace spc
