#include "data/mfcc_stats.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "base/error.h"
#include "store/manifest.h"
#include "unit/temporary_folder.h"

namespace spc {
namespace {

using testing::FloatNear;
using testing::HasSubstr;
using testing::Pointwise;

bool never() {
  return false;
}

TEST(MfccStats, MeanAndDeviationByHand) {
  // Two bins: the DCT's row 1 is sqrt(2/2) * (cos(pi/4), cos(3 pi/4)) = (r, -r), r = sqrt(1/2).
  const float r = std::sqrt(0.5f);
  // Frames (3, 1), (5, 1), (1, 1): cepstra 2r, 4r, 0; mean 2r; deviation sqrt((0+4+4)/3) r.
  const std::vector<float> expected{2 * r, std::sqrt(8.0f / 3) * r};
  EXPECT_THAT(mfcc_stats(std::vector<float>{3, 1, 5, 1, 1, 1}, 2, 1),
              Pointwise(FloatNear(1e-6f), expected));
}

TEST(MfccStats, LoudnessIsLeftOut) {
  // The same spectrum, 6 higher in every bin: coefficient 0 alone would tell.
  const std::vector<float> quiet{1, 4, 2, 5}, loud{7, 10, 8, 11};
  EXPECT_THAT(mfcc_stats(loud, 4, 3), Pointwise(FloatNear(1e-5f), mfcc_stats(quiet, 4, 3)));
  // Three bins, frame (1, 0, -1): rows sqrt(2/3) * (cos 30, 0, -cos 30) and (.5, -1, .5).
  const std::vector<float> expected{std::sqrt(2.0f), 0, 0, 0};
  EXPECT_THAT(mfcc_stats(std::vector<float>{1, 0, -1}, 3, 2),
              Pointwise(FloatNear(1e-6f), expected));
}

class MfccStatsSet : public testing::Test {
 protected:
  /// Two bins; three utterances whose first cepstra are r * (1, 3, 8), in one frame each but the
  /// last.
  void SetUp() override {
    ShardWriter writer(2);
    writer.add("a", "", std::vector<float>{1, 0});
    writer.add("b", "", std::vector<float>{3, 0});
    writer.add("c", "", std::vector<float>{7, 0, 9, 0});
    Manifest manifest;
    manifest.fbank = "num_mel_bins=2";
    manifest.shards = {{"s.h5", 3, 4}};
    writer.publish(folder_ / "s.h5", {manifest.fbank, 2, 0, 3, "", {}, ""});
    write_manifest(folder_.path(), manifest);
  }
  [[nodiscard]] ShardSet shards() const { return ShardSet({folder_.path()}); }

  TemporaryFolder folder_;
};

TEST_F(MfccStatsSet, StandardisesEveryColumn) {
  for (const int threads : {1, 3}) {
    const Embeddings embeddings = mfcc_stats_embeddings(shards(), {1, threads, never});
    EXPECT_EQ(embeddings.dim, 2);
    EXPECT_THAT(embeddings.utts, testing::ElementsAre("a", "b", "c"));
    // Means 1, 3, 8 (times r): mean 4, deviation sqrt(26/3). Deviations 0, 0, 1: mean 1/3,
    // sqrt(2/9).
    const float d = std::sqrt(26.0f / 3), e = std::sqrt(2.0f) / 3;
    const std::vector<float> expected{-3 / d,       -1 / (3 * e), -1 / d,
                                      -1 / (3 * e), 4 / d,        2 / (3 * e)};
    EXPECT_THAT(embeddings.values, Pointwise(FloatNear(1e-5f), expected));
  }
}

TEST_F(MfccStatsSet, RefusesMoreCoefficientsThanBins) {
  EXPECT_THAT(message_of<UsageError>([&] {
                (void)mfcc_stats_embeddings(shards(), {2, 1, never});
              }),
              HasSubstr("num-ceps = 2, must be 1 to 1: the features have 2 mel bins"));
}

TEST_F(MfccStatsSet, StopsOnRequest) {
  EXPECT_TRUE(mfcc_stats_embeddings(shards(), {1, 1, [] { return true; }}).utts.empty());
}

}  // namespace
}  // namespace spc
