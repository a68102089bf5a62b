#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/crc32c.h"
#include "unit/store/shard_folder.h"

namespace spc {
namespace {

using testing::HasSubstr;

class DamagedShard : public testing::Test {
 protected:
  void SetUp() override {
    write_shards(folder_.path(), {{{"one", 37}, {"two", 23}, {"tail", 9}}, {{"three", 4}}});
    shard_ = folder_ / shard_name(0);
  }
  [[nodiscard]] ShardSet open() const { return ShardSet({folder_.path()}); }
  static std::string failure_to_read(const ShardSet& shards, const UtteranceEntry& entry) {
    return message_of([&] {
      std::vector<float> feats;
      shards.read(entry, feats);
    });
  }

  TemporaryFolder folder_;
  std::filesystem::path shard_;
};

TEST_F(DamagedShard, AFlippedBitIsAWrongChecksumOfItsUtteranceAlone) {
  const ShardSet shards = open();
  flip_bit(shard_, static_cast<size_t>(shards.utts()[1].byte_offset) + 77);
  const std::string message = failure_to_read(shards, shards.utts()[1]);
  EXPECT_THAT(message, HasSubstr("utterance two in shard " + shard_.string() + ": wrong checksum"));
  EXPECT_THAT(message, HasSubstr("run `spcnet-data fbank` again"));
  std::vector<float> feats;
  EXPECT_NO_THROW(shards.read(shards.utts()[0], feats));
  EXPECT_NO_THROW(shards.read(shards.utts()[1], feats, false));
}

TEST_F(DamagedShard, ANanWithARightChecksumIsStillRefused) {
  const UtteranceEntry before = open().utts()[1];
  for (const uint16_t special : {uint16_t{0x7E00}, uint16_t{0xFC00}}) {
    const auto begin = static_cast<size_t>(before.byte_offset);
    const uint32_t crc_before = open().utts()[1].crc32c;
    overwrite(shard_, begin + 10, &special, 2);
    const uint32_t crc = crc32c(read_text(shard_).data() + begin,
                                static_cast<size_t>(before.num_frames * kBins * 2));
    overwrite(shard_, find_bytes(shard_, &crc_before, 4), &crc, 4);
    const ShardSet shards = open();
    EXPECT_THAT(
        failure_to_read(shards, shards.utts()[1]),
        HasSubstr("utterance two in shard " + shard_.string() + ": a feature is NaN or infinite"));
  }
}

TEST_F(DamagedShard, ATruncatedShardIsSeenWhenTheSetIsOpened) {
  for (const size_t bytes : {1u, 900u, 1500u}) {
    cut_short(shard_, bytes);
    const std::string message = message_of([&] { (void)open(); });
    EXPECT_THAT(message, HasSubstr("shard " + shard_.string() + ": truncated or no shard"))
        << bytes;
    EXPECT_THAT(message, HasSubstr("delete the file")) << bytes;
  }
  std::filesystem::resize_file(shard_, 0);
  EXPECT_THAT(message_of([&] { (void)open(); }),
              HasSubstr("shard " + shard_.string() + ": truncated or no shard"));
}

TEST_F(DamagedShard, AShardThatIsTruncatedLaterIsSeenByTheRead) {
  const ShardSet shards = open();
  std::filesystem::resize_file(shard_, static_cast<uintmax_t>(shards.utts()[1].byte_offset) + 100);
  EXPECT_THAT(failure_to_read(shards, shards.utts()[1]),
              HasSubstr("utterance two in shard " + shard_.string() + ": the file ends too early"));
}

TEST_F(DamagedShard, AnIndexThatPointsOutsideTheFeaturesIsRefused) {
  constexpr int64_t kFrames = 23;      // of "two", as SetUp() wrote it
  constexpr int64_t kFirstFrame = 60;  // of "tail"
  const auto refusal = [&](int64_t from, int64_t to) {
    SetUp();
    overwrite(shard_, find_bytes(shard_, &from, 8), &to, 8);
    return message_of([&] { (void)open(); });
  };
  for (const int64_t frames :
       {int64_t{60}, int64_t{0}, int64_t{-1}, int64_t{1} << 60, int64_t{1} << 62}) {
    EXPECT_THAT(refusal(kFrames, frames),
                HasSubstr("utterance two lies outside the features: the index is damaged"))
        << frames;
  }
  for (const int64_t first : {int64_t{61}, int64_t{-1}, int64_t{1} << 60, int64_t{1} << 63}) {
    EXPECT_THAT(refusal(kFirstFrame, first),
                HasSubstr("utterance tail lies outside the features: the index is damaged"))
        << first;
  }
}

TEST_F(DamagedShard, AMissingShardIsNamedWithTheRemedy) {
  std::filesystem::remove(shard_);
  EXPECT_EQ(message_of([&] { (void)open(); }), "shard " + shard_.string() +
                                                   " is missing; copy it back, or run `spcnet-data "
                                                   "fbank` again after deleting the manifest");
}

TEST_F(DamagedShard, AShardOfAnotherRunDoesNotFitTheManifest) {
  std::filesystem::copy_file(folder_ / shard_name(1), shard_,
                             std::filesystem::copy_options::overwrite_existing);
  EXPECT_THAT(message_of([&] { (void)open(); }),
              HasSubstr("shard " + shard_.string() + " holds 1 utterances, the manifest says 3"));
}

TEST_F(DamagedShard, AFileThatIsNoShardSaysSo) {
  (void)folder_.file(shard_name(0), "not HDF5 at all");
  EXPECT_THAT(message_of([&] { (void)open(); }),
              HasSubstr("shard " + shard_.string() + ": truncated or no shard"));
}

}  // namespace
}  // namespace spc
