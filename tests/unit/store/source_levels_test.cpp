#include "store/source_levels.h"

#include <gmock/gmock.h>

#include <cmath>

#include "unit/store/shard_folder.h"

namespace spc {
namespace {

using testing::IsEmpty;

class SourceLevelsTest : public testing::Test {
 protected:
  [[nodiscard]] std::filesystem::path publish(ShardWriter& writer) const {
    writer.publish(folder_ / "s.h5", {"f", kBins, 0, 2, "items", {}, ""});
    return folder_ / "s.h5";
  }
  TemporaryFolder folder_;
};

TEST_F(SourceLevelsTest, AreGivenBackInTheOrderOfTheUtterances) {
  ShardWriter writer(kBins);
  writer.add("a", "s", features_of("a", 2), {-1.5F, -20.25F, 0.125F, 44100});
  writer.add("b", "s", features_of("b", 3));
  const std::filesystem::path shard = publish(writer);
  const std::vector<SourceLevels> levels = read_source_levels(shard);
  ASSERT_EQ(levels.size(), 2u);
  EXPECT_EQ(levels[0].peak_db, -1.5F);
  EXPECT_EQ(levels[0].rms_db, -20.25F);
  EXPECT_EQ(levels[0].clipped, 0.125F);
  EXPECT_EQ(levels[0].source_rate, 44100);
  EXPECT_TRUE(levels[0].measured());
  EXPECT_FALSE(levels[1].measured());
  EXPECT_TRUE(std::isnan(levels[1].rms_db));
  EXPECT_EQ(read_shard_index(shard).utts.size(), 2u) << "a shard like any other";
  writer.add("c", "s", features_of("c", 2));
  EXPECT_THAT(read_source_levels(publish(writer)), IsEmpty()) << "the writer began anew";
}

TEST_F(SourceLevelsTest, AreNotInShardsThatWereNotMeasured) {
  ShardWriter writer(kBins);
  writer.add("a", "s", features_of("a", 2));
  const std::filesystem::path shard = publish(writer);
  EXPECT_THAT(read_source_levels(shard), IsEmpty());
  EXPECT_EQ(read_text(shard).find("peak_db"), std::string::npos) << "the bytes of before";
}

}  // namespace
}  // namespace spc
