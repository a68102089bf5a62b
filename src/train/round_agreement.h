// How well the clusters of a round agree with what else is known of the utterances.
#pragma once

#include <filesystem>
#include <string>

#include "metrics/metrics.h"
#include "store/shard_set.h"
#include "train/run_folder.h"

namespace spc {

struct AgreementSources {
  const ShardSet& shards;                 // whose speakers are compared with, where known
  std::filesystem::path recordings;       // `utt recording` lines; may be empty
  std::filesystem::path previous_labels;  // of the round before; may be empty
};

/// Compares round/labels with each of them. Writes round/agreement.json, a line on the screen and
/// one in the log for each ("event": "agreement"). Rank 0's alone.
/// @param round  the round's folder
void report_agreement(const std::filesystem::path& round, const AgreementSources& sources,
                      RunFolder& folder, Metrics& metrics);

}  // namespace spc
