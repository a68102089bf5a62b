#include "train/extract_batches.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "base/random.h"
#include "model/packed_frames.h"

namespace spc {
namespace {

using testing::ElementsAre;

TEST(PackedBatches, TakeTheLongestThatStillFits) {
  // Of 96 frames: 72 and 24; 48 and 40, which leave 8; then 16, 16 and what else there is.
  const std::vector<int64_t> frames{8, 15, 23, 39, 47, 70};
  const std::vector<UttBatch> batches = make_batches(frames, Batching::kPacked, {96, 6000});
  ASSERT_EQ(batches.size(), 3);
  EXPECT_THAT(batches[0].members, ElementsAre(5, 2));
  EXPECT_THAT(batches[1].members, ElementsAre(4, 3));
  EXPECT_THAT(batches[2].members, ElementsAre(1, 0));
  EXPECT_EQ(batches[0].shape.frames, 96);
  EXPECT_EQ(batches[1].shape.frames, 96) << "filled but for a little: no shape of its own";
  EXPECT_EQ(batches[2].shape.frames, 32) << "the last, which is far from full";
}

TEST(PackedBatches, OneThatIsTooLongIsAlone) {
  const std::vector<int64_t> frames{20, 90, 301};
  const std::vector<UttBatch> batches = make_batches(frames, Batching::kPacked, {96, 6000});
  ASSERT_EQ(batches.size(), 3);
  EXPECT_THAT(batches[0].members, ElementsAre(2));
  EXPECT_EQ(batches[0].shape.frames, 328) << "the next padded length";
  EXPECT_THAT(batches[1].members, ElementsAre(1));
  EXPECT_THAT(make_batches(frames, Batching::kPacked, {1, 6000})[2].members, ElementsAre(0));
}

class Batches : public testing::TestWithParam<Batching> {};

TEST_P(Batches, HaveEveryUtteranceOnceAndFewShapes) {
  Random random(7, {1});
  std::vector<int64_t> frames(5000);
  for (int64_t& each : frames) each = 8 + static_cast<int64_t>(random.uniform() * 1200);
  std::sort(frames.begin(), frames.end());
  const ExtractConfig config{2400, 6000};
  std::set<size_t> seen;
  std::set<std::pair<int64_t, int64_t>> shapes;
  double used = 0;
  double all = 0;
  const BatchShape largest = largest_batch(frames, 1, GetParam(), config);
  for (const UttBatch& batch : make_batches(frames, GetParam(), config)) {
    int64_t filled = 0;
    for (const size_t member : batch.members) {
      EXPECT_TRUE(seen.insert(member).second);
      filled += GetParam() == Batching::kPacked ? PackedFrames::room_for(frames[member])
                                                : batch.shape.frames;
      EXPECT_LE(frames[member], batch.shape.frames);
      used += static_cast<double>(frames[member]);
    }
    EXPECT_LE(filled, batch.shape.rows * batch.shape.frames);
    EXPECT_LE(batch.shape.rows * batch.shape.frames, config.batch_frames);
    EXPECT_LE(batch.shape.rows * batch.shape.frames, largest.rows * largest.frames);
    EXPECT_EQ(batch.shape.frames % 8, 0);
    all += static_cast<double>(batch.shape.rows * batch.shape.frames);
    shapes.insert({batch.shape.rows, batch.shape.frames});
  }
  EXPECT_EQ(seen.size(), frames.size());
  EXPECT_LE(shapes.size(), GetParam() == Batching::kPacked ? 2 : 60);
  EXPECT_GT(used / all, GetParam() == Batching::kPacked ? 0.98 : 0.9) << "the rest is padding";
}
INSTANTIATE_TEST_SUITE_P(Both, Batches, testing::Values(Batching::kPacked, Batching::kPadded),
                         [](const auto& each) {
                           return each.param == Batching::kPacked ? "packed" : "padded";
                         });

TEST(LargestBatch, IsOfThePaddedLengthThatFillsIt) {
  const std::vector<int64_t> utts{20, 31, 32, 33, 40, 47, 48, 300};
  const auto largest = [&](double share, const ExtractConfig& config) {
    return largest_batch(utts, share, Batching::kPadded, config);
  };
  EXPECT_EQ(largest(1, {96, 100}).rows, 1) << "the long one is cut to 100, alone";
  EXPECT_EQ(largest(1, {96, 100}).frames, 112) << "the next padded length";
  EXPECT_EQ(largest(1, {150, 90}).rows * largest(1, {150, 90}).frames, 3 * 48);
  EXPECT_EQ(largest(0.5, {150, 90}).rows * largest(0.5, {150, 90}).frames, 2 * 48)
      << "two of the four that are padded to 48";
  EXPECT_EQ(largest_batch({}, 1, Batching::kPadded, {150, 90}).rows, 0);
}

TEST(LargestBatch, OfPackedUtterancesIsFullIfThereAreEnough) {
  const std::vector<int64_t> utts{20, 31, 32, 33, 40, 47, 48, 300};
  const auto frames = [&](double share, const ExtractConfig& config) {
    return largest_batch(utts, share, Batching::kPacked, config).frames;
  };
  EXPECT_EQ(frames(1, {200, 6000}), 328) << "the long one, alone";
  EXPECT_EQ(frames(1, {200, 90}), 200);
  EXPECT_EQ(frames(0.25, {200, 90}), 96) << "a quarter of the 384 frames that they take";
  EXPECT_EQ(largest_batch({}, 1, Batching::kPacked, {150, 90}).rows, 0);
}

}  // namespace
}  // namespace spc
