#include "data/audit.h"

#include <gmock/gmock.h>

#include <cmath>
#include <numeric>
#include <span>

#include "base/random.h"
#include "unit/data/audit_folder.h"
#include "unit/half.h"

namespace spc {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::SizeIs;

std::vector<std::string> names(const Ranking& ranking) {
  std::vector<std::string> utts;
  for (const Ranking::Row& row : ranking.rows()) utts.push_back(row.utt);
  return utts;
}

std::vector<float> noise(uint64_t seed, size_t frames) {
  Random random(seed, {});
  std::vector<float> feats(frames * AuditFolder::kBins);
  for (size_t i = 0; i < feats.size(); ++i)
    feats[i] =
        static_cast<float>(static_cast<double>(i % AuditFolder::kBins) * 5 + random.uniform(-3, 3));
  return feats;
}

TEST(Ranking, KeepsTheFirstTwentyAndTheEarlierOfEqualOnes) {
  Ranking highest(Ranking::First::kHighest);
  Ranking lowest(Ranking::First::kLowest);
  for (int i = 0; i < 100; ++i) {
    highest.offer(i / 2, concat("u", i));
    lowest.offer(i / 2, concat("u", i));
  }
  EXPECT_THAT(highest.rows(), SizeIs(kMostListed));
  EXPECT_EQ(highest.rows()[0].utt, "u98");
  EXPECT_EQ(highest.rows()[1].utt, "u99");
  EXPECT_EQ(highest.rows().back().value, 40);
  EXPECT_EQ(lowest.rows()[0].utt, "u0");
  EXPECT_EQ(lowest.rows().back().utt, "u19");
}

TEST(Session, IsTheMiddleOfThreePartsBehindTheSpeaker) {
  EXPECT_EQ(session_of("id1/video/0001.wav", "id1"), "id1/video");
  for (const char* utt : {"id1/0001.wav", "id1/a/b/0001.wav", "id2/video/0001.wav", "id1//x",
                          "id1/video/", "id11/video/x", "video", ""})
    EXPECT_EQ(session_of(utt, "id1"), "") << utt;
  EXPECT_EQ(session_of("/video/x", ""), "") << "the speaker is not known";
}

TEST(BinMoments, AreThoseOfAllFramesHoweverTheyAreCut) {
  AuditFolder folder;
  std::vector<float> all;
  for (uint64_t u = 0; u < 9; ++u) {
    const std::vector<float> feats = noise(u, 1 + 13 * u);
    folder.add(concat("u", u), "", feats);
    if (u % 4 == 3) folder.next_shard();
    for (const float value : feats) all.push_back(rounded_to_half(value));
  }
  const BinMoments bins = folder.verify().audit.bins;
  const double frames = static_cast<double>(all.size()) / AuditFolder::kBins;
  EXPECT_EQ(bins.frames(), frames);
  for (size_t bin = 0; bin < AuditFolder::kBins; ++bin) {
    double sum = 0;
    for (size_t i = bin; i < all.size(); i += AuditFolder::kBins) sum += all[i];
    double squares = 0;
    for (size_t i = bin; i < all.size(); i += AuditFolder::kBins)
      squares += std::pow(all[i] - sum / frames, 2);
    EXPECT_NEAR(bins.mean()[bin], sum / frames, 1e-12);
    EXPECT_NEAR(bins.deviation()[bin], std::sqrt(squares / frames), 1e-12);
  }
}

TEST(BinMoments, LoseNothingFarFromZero) {
  BinMoments sum;
  for (int i = 0; i < 1000; ++i) sum.merge(BinMoments(std::vector<float>{1e6F, 1e6F + 1}, 1));
  EXPECT_EQ(sum.frames(), 2000);
  EXPECT_NEAR(sum.mean()[0], 1e6 + 0.5, 1e-6);
  EXPECT_NEAR(sum.deviation()[0], 0.5, 1e-9);
}

TEST(Audit, FindsWhatIsTheSameInAllShards) {
  AuditFolder folder;
  folder.add("one", "s", noise(1, 10));
  folder.add("two", "s", noise(2, 10));
  folder.add("longer", "s", AuditFolder::frames(std::vector<float>(11, 3)));
  folder.next_shard();
  folder.add("one again", "t", noise(1, 10));
  folder.add("three", "s", noise(3, 10));
  folder.add("shorter", "s", AuditFolder::frames(std::vector<float>(10, 3)));
  folder.next_shard();
  folder.add("one more", "s", noise(1, 10));
  folder.add("two again", "s", noise(2, 10));
  const VerifyReport report = folder.verify();
  const Duplicates& duplicates = report.audit.duplicates;
  EXPECT_EQ(duplicates.groups, 2);
  EXPECT_EQ(duplicates.utts, 5);
  ASSERT_THAT(duplicates.first, SizeIs(2));
  EXPECT_THAT(duplicates.first[0].utts, ElementsAre("one", "one again", "one more"));
  EXPECT_THAT(duplicates.first[1].utts, ElementsAre("two", "two again"));
  EXPECT_THAT(report.problems, IsEmpty()) << "for people to judge";
  EXPECT_THAT(summary(report), HasSubstr("\nduplicates  2 groups of 5 utterances, the largest is "
                                         "one = one again = one more\n"));
}

TEST(Duplicates, HaveEqualBytesAndNotOnlyEqualChecksums) {
  const TemporaryFolder folder;
  const std::vector<ShardFile> shards{{folder.file("s", "aabbaabbbb"), 1},
                                      {folder / "not there", 1}};
  const std::vector<std::string> utts{"a", "b", "a again", "b again", "longer", "lost"};
  const auto place = [](int64_t offset, int64_t frames) {
    UtteranceEntry entry;
    entry.byte_offset = offset;
    entry.num_frames = frames;
    entry.crc32c = 7;  // all the same
    return entry;
  };
  DuplicateFinder finder;
  for (size_t i = 0; i < 4; ++i) finder.add(utts[i], place(2 * static_cast<int64_t>(i), 1), 0);
  finder.add(utts[4], place(6, 2), 0);
  finder.add(utts[5], place(0, 1), 1);
  const auto found = finder.find(shards, [] { return false; });
  ASSERT_TRUE(found);
  ASSERT_EQ(found->groups, 2);
  EXPECT_THAT(found->first[0].utts, ElementsAre("a", "a again"));
  EXPECT_THAT(found->first[1].utts, ElementsAre("b", "b again"));
  EXPECT_FALSE(finder.find(shards, [] { return true; })) << "stopped";
}

TEST(Duplicates, AreCutInLongLists) {
  AuditFolder folder;
  for (int i = 0; i < 30; ++i) folder.add(concat("same", i), "", noise(0, 5));
  for (uint64_t i = 1; i < 30; ++i)
    for (const char* copy : {"a", "b"}) folder.add(concat("u", i, copy), "", noise(i, 5));
  const VerifyReport report = folder.verify();
  const Duplicates& duplicates = report.audit.duplicates;
  EXPECT_EQ(duplicates.groups, 30);
  EXPECT_EQ(duplicates.utts, 30 + 2 * 29);
  EXPECT_THAT(duplicates.first, SizeIs(kMostListed));
  EXPECT_EQ(duplicates.first[0].size, 30);
  EXPECT_THAT(duplicates.first[0].utts, SizeIs(kMostListed));
  EXPECT_THAT(summary(report), HasSubstr("same0 = same1 = same2 and 27 more"));
}

TEST(Duplicates, AreNotToBeSeenWithDither) {
  AuditFolder folder("1");
  folder.add("u", "", noise(1, 5));
  EXPECT_THAT(summary(folder.verify()),
              HasSubstr("\nduplicates  not to be seen: dither makes equal recordings differ\n"));
}

TEST(Audit, NamesTheMostSilentAndTheSoundless) {
  AuditFolder folder;
  std::vector<float> levels(100, 8);
  folder.add("loud", "", AuditFolder::frames(levels));
  for (size_t i = 10; i < 35; ++i) levels[i] = -5;
  folder.add("quarter", "", AuditFolder::frames(levels));
  for (size_t i = 35; i < 60; ++i) levels[i] = -5;
  folder.add("half", "", AuditFolder::frames(levels));
  folder.add("zeros", "", AuditFolder::frames(std::vector<float>(7, -15.94F)));
  const VerifyReport report = folder.verify();
  EXPECT_THAT(names(report.audit.most_silent), ElementsAre("zeros", "half", "quarter"));
  EXPECT_THAT(report.audit.silence, ElementsAre(0, 0.25, 0.5, 1));
  EXPECT_EQ(report.audit.soundless.count, 1);
  EXPECT_THAT(report.audit.soundless.first, ElementsAre("zeros"));
  EXPECT_THAT(names(report.audit.longest), ElementsAre("loud", "quarter", "half", "zeros"));
  EXPECT_EQ(names(report.audit.shortest)[0], "zeros");
  EXPECT_THAT(summary(report),
              HasSubstr("\nsoundless   1 utterance of nothing but zeros, the first is zeros\n"));
}

TEST(Audit, CountsSessionsOfSpeakers) {
  AuditFolder folder;
  for (const char* utt : {"a/v1/1", "a/v1/2", "a/v2/1", "b/v1/1", "b/other"})
    folder.add(utt, std::string(1, utt[0]), noise(static_cast<uint64_t>(utt[3]), 5));
  folder.add("c/v1/1", "", noise(9, 5));
  const VerifyReport report = folder.verify();
  EXPECT_EQ(report.audit.sessions, 3) << "v1 of a is not v1 of b";
  EXPECT_EQ(report.audit.utts_with_session, 4);
  ASSERT_THAT(report.audit.speakers, SizeIs(2));
  EXPECT_EQ(report.audit.speakers.at("a").sessions, 2);
  EXPECT_EQ(report.audit.speakers.at("a").utts, 3);
  EXPECT_EQ(report.audit.speakers.at("b").sessions, 1);
  EXPECT_THAT(summary(report), HasSubstr("\nspeakers    2\nsessions    3, of 4 of 6 utterances\n"));
}

TEST(Audit, TellsTheLevelsThatAreRecorded) {
  AuditFolder folder;
  folder.add("clipped", "", noise(1, 5), {0, -5, 0.01F, 16000});
  folder.add("more", "", noise(2, 5), {0, -3, 0.25F, 16000});
  folder.add("quiet", "", noise(3, 5), {-20, -40, 0, 8000});
  folder.add("zeros", "", noise(4, 5), {-120, -120, 0, 16000});
  folder.next_shard();
  folder.add("unknown", "", noise(5, 5));
  const VerifyReport report = folder.verify();
  EXPECT_EQ(report.audit.measured, 4);
  EXPECT_THAT(report.audit.rms_db, ElementsAre(-5, -3, -40)) << "zeros have no level";
  EXPECT_THAT(report.audit.peak_db, ElementsAre(0, 0, -20));
  EXPECT_THAT(names(report.audit.loudest), ElementsAre("more", "clipped", "quiet"));
  EXPECT_EQ(names(report.audit.quietest)[0], "quiet");
  EXPECT_THAT(names(report.audit.most_clipped), ElementsAre("more", "clipped"));
  EXPECT_THAT(summary(report),
              HasSubstr("\nrates       16000 Hz: 3, 8000 Hz: 1\n"
                        "level       -40.0 dBFS quietest, -5.0 median, -3.0 loudest, root of the "
                        "mean square, of 4 of 5 utterances\n"
                        "clipping    2 utterances, of 4 of 5 utterances, the worst is more: 25.00 "
                        "% of its samples\n"));
  EXPECT_THAT(report.problems, IsEmpty());
}

TEST(Audit, OfNothingHasNoLines) {
  AuditFolder folder;
  const std::string text = summary(folder.verify({"u: no audio"}));
  EXPECT_THAT(text, HasSubstr("utterances  0"));
  EXPECT_THAT(text, HasSubstr("left out    1 file"));
  EXPECT_THAT(text, Not(HasSubstr("duration")));
}

}  // namespace
}  // namespace spc
