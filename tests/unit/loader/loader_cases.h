// A small corpus in three shards, noise in another folder, and everything a loader makes of them.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <vector>

#include "loader/loader.h"
#include "unit/store/shard_folder.h"

namespace spc {

inline constexpr int64_t kBatch = 6;
inline constexpr uint64_t kSeed = 11;

// Shorter than a local crop, between the two, exactly as long as one, longer.
inline const std::vector<std::vector<Utterance>> kCorpus{
    {{"ann", 30}, {"ben", 24}, {"cat", 7}, {"dan", 16}},
    {{"eve", 50}, {"fay", 100}},
    {{"gus", 23}, {"hal", 25}, {"ida", 1}, {"jon", 64}, {"kim", 41}}};
inline constexpr int64_t kCorpusUtts = 11;

inline ViewsConfig small_views() {
  return {.num_global = 2, .global_frames = 24, .num_local = 3, .local_frames = 16};
}

inline AugmentConfig every_augmentation() {
  AugmentConfig augment;
  augment.speech_prob = 0.3;
  augment.babble_prob = 0.2;
  augment.noise_prob = 0.3;
  augment.tilt_db = 2;
  augment.time_masks = augment.freq_masks = 1;
  augment.freq_mask_bins = 2;
  return augment;
}

class CorpusFolder {
 public:
  explicit CorpusFolder(const std::vector<std::vector<Utterance>>& corpus = kCorpus)
      : shards({write_shards(folder_ / "shards", corpus)}),
        noise({write_shards(folder_ / "noise", {{{"rain", 80}, {"wind", 12}}})}) {}

  /// A loader of the rows [begin, end) of every batch.
  [[nodiscard]] std::unique_ptr<Loader> loader(const AugmentConfig& augment,
                                               const LoaderConfig& config, int64_t begin = 0,
                                               int64_t end = kBatch, int64_t first_step = 0,
                                               int64_t end_step = 8, uint64_t seed = kSeed) const {
    return std::make_unique<Loader>(shards, &noise, small_views(), augment, config, seed,
                                    LoaderShare{kBatch, begin, end, first_step, end_step});
  }
  [[nodiscard]] std::filesystem::path shard(size_t index) const {
    return folder_ / "shards" / shard_name(index);
  }

 private:
  TemporaryFolder folder_;

 public:
  ShardSet shards;
  ShardSet noise;
};

inline std::vector<Batch> batches_of(Loader& loader, int64_t count) {
  std::vector<Batch> batches;
  for (int64_t i = 0; i < count; ++i) batches.push_back(loader.next());
  return batches;
}

/// View `view` of row `row`; global views come first.
inline std::vector<float> view_of(const Batch& batch, int64_t view, int64_t row) {
  const ViewsConfig views = small_views();
  const bool is_global = view < views.num_global;
  const auto rows = static_cast<int64_t>(batch.places.size());
  const int64_t size = (is_global ? views.global_frames : views.local_frames) * kBins;
  const int64_t place = (is_global ? view : view - views.num_global) * rows + row;
  const auto begin = (is_global ? batch.global : batch.local).begin() + place * size;
  return {begin, begin + size};
}

inline int64_t num_views() {
  return small_views().num_global + small_views().num_local;
}

inline void expect_same(const Batch& a, const Batch& b) {
  EXPECT_EQ(a.step, b.step);
  EXPECT_EQ(a.global, b.global) << "step " << a.step;
  EXPECT_EQ(a.local, b.local) << "step " << a.step;
  ASSERT_EQ(a.places.size(), b.places.size());
  for (size_t row = 0; row < a.places.size(); ++row) {
    EXPECT_EQ(a.places[row].epoch, b.places[row].epoch);
    EXPECT_EQ(a.places[row].utt, b.places[row].utt);
  }
}

}  // namespace spc
