#include "train/run_checks.h"

#include "base/error.h"

namespace spc {

void check_ranks(const RunConfig& config, int ranks) {
  const DistConfig& dist = config.dist;
  SPC_USAGE_CHECK(dist.expected_ranks == 0 || dist.expected_ranks == ranks,
                  "dist.expected_ranks = ", dist.expected_ranks, " but MPI started ", ranks);
  SPC_USAGE_CHECK(!dist.deterministic || kLeaves % ranks == 0,
                  "dist.deterministic runs on 1, 2 or 4 ranks, not on ", ranks);
  SPC_USAGE_CHECK(!dist.deterministic || config.train.device != "cuda",
                  "dist.deterministic computes on the CPU; set train.device to cpu or auto");
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
}

}  // namespace spc
