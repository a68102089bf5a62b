#include "data/mfcc_stats.h"

#include <cmath>
#include <numbers>

#include "base/error.h"
#include "data/ordered_workers.h"

namespace spc {
namespace {

/// Rows 1 .. num_ceps of the orthonormal DCT-II.
std::vector<double> dct_rows(size_t num_mel_bins, size_t num_ceps) {
  std::vector<double> rows(num_ceps * num_mel_bins);
  const auto bins = static_cast<double>(num_mel_bins);
  for (size_t k = 0; k < num_ceps; ++k) {
    for (size_t n = 0; n < num_mel_bins; ++n) {
      const double angle =
          std::numbers::pi * static_cast<double>(k + 1) * (static_cast<double>(n) + 0.5) / bins;
      rows[k * num_mel_bins + n] = std::sqrt(2.0 / bins) * std::cos(angle);
    }
  }
  return rows;
}

/// Every column to mean 0 and standard deviation 1; a constant column to 0.
void standardise(Embeddings& embeddings) {
  const size_t rows = embeddings.utts.size();
  const auto columns = static_cast<size_t>(embeddings.dim);
  for (size_t column = 0; column < columns; ++column) {
    const auto at = [&](size_t row) -> float& { return embeddings.values[row * columns + column]; };
    double sum = 0, squares = 0;
    for (size_t row = 0; row < rows; ++row) sum += at(row);
    const double mean = sum / static_cast<double>(rows);
    for (size_t row = 0; row < rows; ++row) squares += (at(row) - mean) * (at(row) - mean);
    const double deviation = std::sqrt(squares / static_cast<double>(rows));
    const double scale = deviation > 0 ? 1 / deviation : 0;
    for (size_t row = 0; row < rows; ++row) at(row) = static_cast<float>((at(row) - mean) * scale);
  }
}

}  // namespace

std::vector<float> mfcc_stats(std::span<const float> feats, int num_mel_bins, int num_ceps) {
  const auto bins = static_cast<size_t>(num_mel_bins);
  const auto ceps = static_cast<size_t>(num_ceps);
  SPC_ASSERT(!feats.empty() && feats.size() % bins == 0, "no whole frame of features");
  const std::vector<double> dct = dct_rows(bins, ceps);
  const size_t frames = feats.size() / bins;
  std::vector<double> cepstra(frames * ceps);
  std::vector<double> means(ceps), squares(ceps);
  for (size_t t = 0; t < frames; ++t) {
    for (size_t k = 0; k < ceps; ++k) {
      double sum = 0;
      for (size_t n = 0; n < bins; ++n) sum += dct[k * bins + n] * feats[t * bins + n];
      cepstra[t * ceps + k] = sum;
      means[k] += sum / static_cast<double>(frames);
    }
  }
  std::vector<float> stats(2 * ceps);
  for (size_t k = 0; k < ceps; ++k) {
    for (size_t t = 0; t < frames; ++t) {
      squares[k] += (cepstra[t * ceps + k] - means[k]) * (cepstra[t * ceps + k] - means[k]);
    }
    stats[k] = static_cast<float>(means[k]);
    stats[ceps + k] = static_cast<float>(std::sqrt(squares[k] / static_cast<double>(frames)));
  }
  return stats;
}

Embeddings mfcc_stats_embeddings(const ShardSet& shards, const MfccStatsOptions& options) {
  SPC_USAGE_CHECK(options.threads > 0, "threads = ", options.threads, ", must be > 0");
  const auto num_mel_bins = static_cast<int>(shards.num_mel_bins());
  SPC_USAGE_CHECK(options.num_ceps >= 1 && options.num_ceps < num_mel_bins,
                  "num-ceps = ", options.num_ceps, ", must be 1 to ", num_mel_bins - 1,
                  ": the features have ", num_mel_bins, " mel bins");
  Embeddings embeddings;
  embeddings.dim = int64_t{2} * options.num_ceps;
  const std::vector<UtteranceEntry>& utts = shards.utts();
  OrderedWorkers<std::vector<float>> workers(
      options.threads, static_cast<int64_t>(utts.size()), [&](int64_t i) {
        thread_local std::vector<float> feats;
        shards.read(utts[static_cast<size_t>(i)], feats);
        return mfcc_stats(feats, num_mel_bins, options.num_ceps);
      });
  for (const UtteranceEntry& entry : utts) {
    if (options.stop()) return {};
    const std::vector<float> stats = workers.next();
    embeddings.utts.push_back(entry.utt);
    embeddings.values.insert(embeddings.values.end(), stats.begin(), stats.end());
  }
  standardise(embeddings);
  return embeddings;
}

}  // namespace spc
