// An untrained baseline: what the mean and the spread of cepstra know about a speaker.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "base/process.h"
#include "store/embeddings.h"
#include "store/shard_set.h"

namespace spc {

struct MfccStatsOptions {
  int num_ceps = 20;  // coefficients; coefficient 0, the loudness, is not among them
  int threads = 1;
  std::function<bool()> stop = stop_requested;
};

/// One utterance: mean, then standard deviation, over the frames of cepstra 1 .. num_ceps, each the
/// orthonormal DCT-II of the frame's log energies. Not standardised.
/// @param feats  [T, F] row-major, T >= 1
std::vector<float> mfcc_stats(std::span<const float> feats, int num_mel_bins, int num_ceps);

/// Of all utterances, [U, 2 * num_ceps], every column brought to mean 0 and standard deviation 1
/// over the set, so that a cosine weighs the columns alike. Empty when a stop was asked for.
/// @throws UsageError  more coefficients than the features have
Embeddings mfcc_stats_embeddings(const ShardSet& shards, const MfccStatsOptions& options);

}  // namespace spc
