#include "train/run_checks.h"

#include <vector>

#include "base/error.h"
#include "loader/loader.h"

namespace spc {

void check_leaves(const RunConfig& config, int ranks) {
  const DistConfig& dist = config.dist;
  SPC_USAGE_CHECK(!dist.deterministic || kLeaves % ranks == 0,
                  "dist.deterministic runs on 1, 2 or 4 ranks, not on ", ranks);
  SPC_USAGE_CHECK(!dist.deterministic || config.train.device != "cuda",
                  "dist.deterministic computes on the CPU; set train.device to cpu or auto");
}

void check_ranks(const RunConfig& config, int ranks) {
  const DistConfig& dist = config.dist;
  SPC_USAGE_CHECK(dist.expected_ranks == 0 || dist.expected_ranks == ranks,
                  "dist.expected_ranks = ", dist.expected_ranks, " but MPI started ", ranks);
  check_leaves(config, ranks);
  const int parts = dist.deterministic ? kLeaves : ranks;
  const int64_t accumulate = config.train.accumulate;
  SPC_USAGE_CHECK(config.train.batch_size / accumulate >= parts,
                  "train.batch_size = ", config.train.batch_size, " for ", parts,
                  dist.deterministic ? " leaves" : " ranks",
                  accumulate > 1 ? concat(" with train.accumulate = ", accumulate) : "", "; every ",
                  dist.deterministic ? "leaf" : "rank", " needs a row",
                  accumulate > 1 ? " in each micro-batch" : "");
}

void check_data(const RunConfig& config, const ShardSet& shards, const ShardSet* noise) {
  const int64_t bins = shards.num_mel_bins();
  SPC_USAGE_CHECK(config.num_mel_bins == 0 || config.num_mel_bins == bins,
                  "fbank.num_mel_bins = ", config.num_mel_bins, " but the shards have ", bins,
                  "; drop the key, or pack with --fbank.num_mel_bins ", config.num_mel_bins);
  SPC_USAGE_CHECK(
      noise == nullptr || same_features(noise->fbank(), shards.fbank()),
      "the noise shards hold other features than the training shards; pack them alike: '",
      noise == nullptr ? "" : noise->fbank(), "' against '", shards.fbank(), "'");
  check_sources(config.augment, shards, noise);
}

void check_continues(const std::filesystem::path& checkpoint, const CheckpointInfo& info,
                     const ResolvedConfig& resolved, const std::string& data,
                     const std::string& next_batch) {
  std::vector<std::string> differences = config_differences(info.config, resolved);
  if (info.data != data) differences.push_back(concat("the utterances: ", info.data, " -> ", data));
  std::string list;
  for (const std::string& difference : differences) list += (list.empty() ? "" : "; ") + difference;
  SPC_CHECK(differences.empty(), checkpoint.string(),
            " was written with another configuration: ", list,
            "; use the same one to continue the run, or another --run");
  SPC_CHECK(info.next_batch == next_batch, checkpoint.string(),
            " expects other utterances to come next than this program would take (hash ",
            info.next_batch, ", not ", next_batch, "): it was written by ", info.version,
            ". Continue with that one, or start again with another --run");
}

}  // namespace spc
