#include "data/verify.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>
#include <fstream>

#include "base/crc32c.h"
#include "base/file.h"
#include "store/manifest.h"
#include "store/shard_set.h"
#include "unit/temporary_folder.h"

namespace spc {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr int64_t kBins = 4;
constexpr const char* kFbank = "num_mel_bins=4 frame_shift_ms=10 dither=0";

std::vector<float> levels(const std::vector<float>& frames) {
  std::vector<float> feats;
  for (const float level : frames) feats.insert(feats.end(), kBins, level);
  return feats;
}

class VerifyTest : public testing::Test {
 protected:
  /// Two shards: a and b of 10 and 3 frames, c of 20.
  void SetUp() override {
    ShardWriter writer(kBins);
    writer.add("a", "s1", levels(std::vector<float>(10, 5)));
    writer.add("b", "s2", levels({5, 6, 7}));
    publish(writer, 0, 3, {"x: no audio"});
    writer.add("c", "s1", levels(std::vector<float>(20, 1)));
    publish(writer, 3, 4, {});
    manifest_.bad = 1;
    write_manifest(folder_.path(), manifest_);
  }
  void publish(ShardWriter& writer, int64_t begin, int64_t end, std::vector<std::string> bad) {
    const std::string file = concat("shard-", manifest_.shards.size(), ".h5");
    manifest_.fbank = kFbank;
    manifest_.items = "0123";
    manifest_.shards.push_back({file, writer.num_utts(), writer.num_frames()});
    writer.publish(folder_ / file, {kFbank, kBins, begin, end, "0123", std::move(bad), ""});
  }
  [[nodiscard]] VerifyReport verify(int threads = 2) const {
    return verify_shards(folder_.path(), threads, [] { return false; });
  }
  /// Puts a value into utterance `utt`'s first frame, and the checksum right when asked to.
  void poke(const std::string& file, size_t utt, uint16_t half, bool mend_checksum) const {
    const UtteranceEntry entry = read_shard_index(folder_ / file).utts[utt];
    std::string bytes = read_text(folder_ / file);
    const auto at = static_cast<size_t>(entry.byte_offset);
    std::memcpy(bytes.data() + at, &half, sizeof half);
    if (mend_checksum) {
      const uint32_t crc =
          crc32c(bytes.data() + at, static_cast<size_t>(entry.num_frames) * kBins * 2);
      const size_t column =
          bytes.find(std::string(reinterpret_cast<const char*>(&entry.crc32c), sizeof crc));
      ASSERT_NE(column, std::string::npos);
      std::memcpy(bytes.data() + column, &crc, sizeof crc);
    }
    std::ofstream(folder_ / file, std::ios::binary) << bytes;
  }

  TemporaryFolder folder_;
  Manifest manifest_;
};

TEST_F(VerifyTest, SumsUpWhatIsThere) {
  const VerifyReport report = verify();
  EXPECT_THAT(report.problems, IsEmpty());
  EXPECT_EQ(report.shards, 2);
  EXPECT_EQ(report.utts, 3);
  EXPECT_EQ(report.frames, 33);
  EXPECT_EQ(report.audit.speakers.size(), 2u);
  EXPECT_THAT(report.audit.lengths, ElementsAre(3, 10, 20));
  EXPECT_EQ(report.nan_values, 0);
  EXPECT_THAT(report.bad, ElementsAre("x: no audio"));
  EXPECT_EQ(summary(report),
            "shards      2 in 1 part\nutterances  3\nframes      33\nhours       0.0001\n"
            "speakers    2\nsessions    not known: names are not speaker/session/file\n"
            "duration    0.03 s shortest, 0.10 s median, 0.20 s longest\n"
            "silence     0.00 % of the frames, more than 40 dB below the loud ones of their "
            "utterance\n"
            "level       not recorded: these shards were packed without measuring it\n"
            "clipping    not recorded\nduplicates  none\n"
            "NaN         0 values\nleft out    1 file while packing\n"
            "fbank       num_mel_bins=4 frame_shift_ms=10 dither=0");
}

TEST_F(VerifyTest, ReadsAugmentedCopies) {
  ShardWriter writer(kBins);
  writer.add("d", "", levels({1, 2, 3}));
  writer.add_copy(levels({2, 3, 4}), "noise 3.0 dB rain.wav");
  publish(writer, 4, 5, {});
  write_manifest(folder_.path(), manifest_);
  VerifyReport report = verify();
  EXPECT_EQ(report.copies, 1);
  EXPECT_EQ(report.frames, 36);
  EXPECT_THAT(report.problems, IsEmpty());
  EXPECT_THAT(summary(report), HasSubstr("\ncopies      1 augmented"));
  const std::filesystem::path shard = folder_ / manifest_.shards.back().file;
  const CopyEntry copy = read_shard_index(shard).copies[0];
  {
    std::fstream file(shard, std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(copy.byte_offset);
    file.put('\x01');
  }
  report = verify();
  EXPECT_THAT(report.problems, ElementsAre(HasSubstr("utterance d in " + shard.filename().string() +
                                                     ": copy 1: wrong checksum")));
}

TEST_F(VerifyTest, CountsSilentFrames) {
  // 40 dB are 9.21 in natural logarithms of power. A click louder than the rest must not count.
  std::vector<float> frames(100, 8);
  frames[0] = 30;
  for (size_t i = 1; i < 6; ++i) frames[i] = 8 - 9.3f;
  for (size_t i = 6; i < 13; ++i) frames[i] = 8 - 9.1f;
  ShardWriter writer(kBins);
  writer.add("d", "", levels(frames));
  publish(writer, 4, 5, {});
  write_manifest(folder_.path(), manifest_);
  EXPECT_EQ(verify().audit.silent_frames, 5);
}

TEST_F(VerifyTest, NamesTheUtteranceOfAChangedByte) {
  poke("shard-0.h5", 1, 0x4580, false);  // 5.5
  const VerifyReport report = verify();
  EXPECT_THAT(report.problems, ElementsAre(AllOf(HasSubstr("utterance b in shard-0.h5"),
                                                 HasSubstr("wrong checksum"))));
  EXPECT_EQ(report.utts, 3) << "the rest is read all the same";
}

TEST_F(VerifyTest, NamesTheUtteranceOfANaN) {
  poke("shard-1.h5", 0, 0x7E00, true);
  const VerifyReport report = verify();
  EXPECT_THAT(report.problems, ElementsAre(AllOf(HasSubstr("utterance c in shard-1.h5"),
                                                 HasSubstr("1 value NaN or infinite"))));
  EXPECT_EQ(report.nan_values, 1);
}

TEST_F(VerifyTest, ListsEveryProblem) {
  poke("shard-0.h5", 0, 0x1234, false);
  poke("shard-0.h5", 1, 0x7C00, false);
  std::filesystem::remove(folder_ / "shard-1.h5");
  for (const int threads : {1, 3}) {
    const VerifyReport report = verify(threads);
    EXPECT_THAT(report.problems,
                ElementsAre(HasSubstr("utterance a in shard-0.h5: wrong checksum"),
                            HasSubstr("utterance b in shard-0.h5: wrong checksum"),
                            HasSubstr("utterance b in shard-0.h5: 1 value NaN"),
                            AllOf(HasSubstr("shard-1.h5"), HasSubstr("is missing"))));
  }
}

TEST_F(VerifyTest, ComparesShardsWithTheManifest) {
  manifest_.shards[0].num_frames = 14;
  manifest_.bad = 0;
  write_manifest(folder_.path(), manifest_);
  EXPECT_THAT(verify().problems,
              ElementsAre(HasSubstr("shard-0.h5: holds 2 utterances and 13 frames, the manifest "
                                    "says 2 and 14"),
                          HasSubstr("counts 0 bad files, its shards 1")));
  manifest_.shards[0].num_frames = 13;
  manifest_.bad = 1;
  manifest_.fbank = "num_mel_bins=5";
  manifest_.items = "4567";
  write_manifest(folder_.path(), manifest_);
  EXPECT_THAT(verify().problems,
              testing::Contains(HasSubstr("the manifest says 'num_mel_bins=5'")));
  EXPECT_THAT(verify().problems, testing::Contains(HasSubstr("another list")));
}

TEST_F(VerifyTest, FindsAnUtteranceThatOccursTwiceAndMissingRows) {
  ShardWriter writer(kBins);
  writer.add("a", "s1", levels({1}));
  publish(writer, 5, 6, {});
  write_manifest(folder_.path(), manifest_);
  EXPECT_THAT(verify().problems,
              ElementsAre(HasSubstr("shard-2.h5: begins at row 5 of the list, the shard before "
                                    "ends at 4"),
                          HasSubstr("utterance a occurs twice, again in shard-2.h5")));
}

TEST_F(VerifyTest, NeedsAManifest) {
  std::filesystem::remove(folder_ / manifest_name(1, 1));
  EXPECT_THAT(message_of([&] { (void)verify(); }), HasSubstr("the shards are not finished"));
}

TEST_F(VerifyTest, StopsOnRequest) {
  int asked = 0;
  const VerifyReport report = verify_shards(folder_.path(), 1, [&] { return ++asked > 2; });
  EXPECT_TRUE(report.stopped);
  EXPECT_EQ(asked, 3);
}

}  // namespace
}  // namespace spc
