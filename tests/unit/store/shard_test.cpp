#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <thread>

#include "base/random.h"
#include "page_cache.h"
#include "unit/half.h"
#include "unit/store/shard_folder.h"

namespace spc {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

std::vector<std::string> names(const ShardSet& shards) {
  std::vector<std::string> result;
  for (const UtteranceEntry& entry : shards.utts()) result.push_back(entry.utt);
  return result;
}

std::vector<float> read(const ShardSet& shards, const UtteranceEntry& entry) {
  std::vector<float> feats;
  shards.read(entry, feats);
  return feats;
}

TEST(Shards, GiveBackWhatWasWrittenToHalfPrecision) {
  const TemporaryFolder folder;
  const ShardSet shards({write_shards(folder / "a", {{{"one", 3}, {"two", 1}}, {{"three", 40}}}),
                         write_shards(folder / "b", {{{"four", 7}}})});
  EXPECT_EQ(shards.num_mel_bins(), kBins);
  EXPECT_EQ(shards.fbank(), "num_mel_bins=5");
  EXPECT_THAT(names(shards), ElementsAre("one", "two", "three", "four"));
  const std::vector<int64_t> frames{3, 1, 40, 7};
  for (size_t u = 0; u < 4; ++u) {
    const UtteranceEntry& entry = shards.utts()[u];
    EXPECT_EQ(entry.num_frames, frames[u]);
    EXPECT_EQ(entry.spk, "spk-" + entry.utt);
    const std::vector<float> expected = features_of(entry.utt, entry.num_frames);
    const std::vector<float> actual = read(shards, entry);
    ASSERT_EQ(actual.size(), expected.size());
    for (size_t i = 0; i < actual.size(); ++i) {
      EXPECT_EQ(actual[i], rounded_to_half(expected[i]));
      EXPECT_NEAR(actual[i], expected[i], std::abs(expected[i]) * 0x1p-11 + 1e-7);
    }
  }
  EXPECT_EQ(shards.shard_path(shards.utts()[3].shard), folder / "b" / shard_name(0));
}

TEST(Shards, AnIndexKeepsWhatTheShardSaysAboutItself) {
  const TemporaryFolder folder;
  ShardWriter writer(kBins);
  writer.add("one", "", features_of("one", 2));
  EXPECT_EQ(writer.num_utts(), 1);
  EXPECT_EQ(writer.num_frames(), 2);
  writer.publish(folder / "s.h5", {"", kBins, 10, 12, "", {"two: not a wave file"}, ""});
  EXPECT_EQ(writer.num_utts(), 0);
  const ShardIndex index = read_shard_index(folder / "s.h5");
  EXPECT_EQ(index.info.fbank, "");
  EXPECT_EQ(index.info.items, "");
  EXPECT_EQ(index.info.num_mel_bins, kBins);
  EXPECT_EQ(index.info.item_begin, 10);
  EXPECT_EQ(index.info.item_end, 12);
  EXPECT_THAT(index.info.bad, ElementsAre("two: not a wave file"));
  ASSERT_EQ(index.utts.size(), 1u);
  EXPECT_EQ(index.utts[0].spk, "");
}

// Copies of two of three utterances, in two folders; an utterance's features stay what they are.
TEST(Shards, GiveBackTheCopiesOfAnUtterance) {
  const TemporaryFolder folder;
  std::vector<std::string> folders;
  for (const std::string name : {"a", "b"}) {
    const std::filesystem::path path = folder / name;
    std::filesystem::create_directories(path);
    ShardWriter writer(kBins);
    for (const std::string utt : {"one", "two", "three"}) {
      writer.add(name + utt, "", features_of(name + utt, 4));
      if (utt == "two") continue;
      writer.add_copy(features_of(name + utt + "1", 4), "noise 3.0 dB rain.wav");
      writer.add_copy(features_of(name + utt + "2", 4), "reverb hall.wav");
    }
    EXPECT_EQ(writer.num_frames(), 12);
    EXPECT_EQ(writer.num_rows(), 28);
    writer.publish(path / "s.h5", {"f", kBins, 0, 3, "", {}, "num=2"});
    Manifest manifest;
    manifest.fbank = "f";
    manifest.shards = {{"s.h5", 3, 12}};
    write_manifest(path, manifest);
    folders.push_back(path);
    EXPECT_EQ(read_shard_index(path / "s.h5").info.copies, "num=2");
  }
  const ShardSet shards(folders);
  EXPECT_EQ(shards.num_copies(), 8);
  const auto rounded = [](const std::string& utt) {
    std::vector<float> feats = features_of(utt, 4);
    for (float& value : feats) value = rounded_to_half(value);
    return feats;
  };
  for (const UtteranceEntry& entry : shards.utts()) {
    EXPECT_EQ(entry.num_copies, entry.utt.ends_with("two") ? 0 : 2);
    EXPECT_EQ(read(shards, entry), rounded(entry.utt));
    std::vector<float> feats;
    for (int32_t copy = 0; copy < entry.num_copies; ++copy) {
      shards.read_copy(entry, copy, feats);
      EXPECT_EQ(feats, rounded(concat(entry.utt, copy + 1)));
    }
  }
}

// As if it had never been added: a copy that does not fit leaves no trace of its utterance.
TEST(Shards, TheLastUtteranceCanBeTakenOutAgain) {
  const TemporaryFolder folder;
  const auto fill = [](ShardWriter& writer, bool with_removed) {
    writer.add("one", "a", features_of("one", 4));
    writer.add_copy(features_of("copy", 4), "reverb hall.wav");
    if (with_removed) {
      writer.add("two", "b", features_of("two", 3));
      writer.add_copy(features_of("copy of two", 3), "reverb hall.wav");
      const std::vector<float> infinite(3 * kBins, std::numeric_limits<float>::infinity());
      EXPECT_EQ(message_of([&] { writer.add_copy(infinite, "noise 3.0 dB rain.wav"); }),
                "two: its copy by noise 3.0 dB rain.wav: a feature is NaN, infinite or too large "
                "for float16");
      writer.remove_last();
    }
    writer.add("three", "c", features_of("three", 5));
  };
  ShardWriter plain(kBins), mended(kBins);
  fill(plain, false);
  fill(mended, true);
  EXPECT_EQ(mended.num_frames(), plain.num_frames());
  const ShardInfo info{"f", kBins, 0, 3, "", {}, "num=1"};
  plain.publish(folder / "plain.h5", info);
  mended.publish(folder / "mended.h5", info);
  EXPECT_EQ(read_text(folder / "mended.h5"), read_text(folder / "plain.h5"));
}

TEST(Shards, ADamagedCopyIsNamed) {
  const TemporaryFolder folder;
  ShardWriter writer(kBins);
  writer.add("one", "", features_of("one", 4));
  writer.add_copy(features_of("copy", 4), "reverb hall.wav");
  writer.publish(folder / "s.h5", {"f", kBins, 0, 1, "", {}, "num=1"});
  Manifest manifest;
  manifest.fbank = "f";
  manifest.shards = {{"s.h5", 1, 4}};
  write_manifest(folder.path(), manifest);
  const ShardSet shards({folder.path()});
  const ShardIndex index = read_shard_index(folder / "s.h5");
  flip_bit(folder / "s.h5", static_cast<size_t>(index.copies[0].byte_offset));
  std::vector<float> feats;
  shards.read(shards.utts()[0], feats);
  EXPECT_THAT(message_of([&] { shards.read_copy(shards.utts()[0], 0, feats); }),
              testing::HasSubstr("a copy of utterance one in shard"));
}

TEST(Shards, AShardWhoseEveryItemWasBadIsStillAShard) {
  const TemporaryFolder folder;
  ShardWriter(kBins).publish(folder / "s.h5", {"f", kBins, 0, 1, "items", {"one: empty"}, ""});
  const ShardIndex index = read_shard_index(folder / "s.h5");
  EXPECT_TRUE(index.utts.empty());
  EXPECT_EQ(index.info.num_mel_bins, kBins);
}

TEST(ShardWriter, RefusesWhatHalfPrecisionCannotHold) {
  ShardWriter writer(2);
  writer.add("good", "", std::vector<float>{1, 2});
  for (const float value : {std::nanf(""), INFINITY, -INFINITY, 65520.0f}) {
    const std::string message = message_of([&] {
      writer.add("bad", "", std::vector<float>{1, 2, 3, value});
    });
    EXPECT_EQ(message, "bad: a feature is NaN, infinite or too large for float16");
  }
  EXPECT_EQ(message_of([&] {
              writer.add("bad", "", std::vector<float>{1, 2, 3});
            }),
            "bad: no whole frame of features");
  EXPECT_EQ(message_of([&] { writer.add("bad", "", {}); }), "bad: no whole frame of features");
  EXPECT_EQ(writer.num_utts(), 1);  // nothing of the refused ones stays behind
  EXPECT_EQ(writer.num_frames(), 1);
}

TEST(ShardSet, SelectKeepsTheListInShardOrder) {
  const TemporaryFolder folder;
  ShardSet shards({write_shards(folder.path(), {{{"one", 3}, {"two", 1}}, {{"three", 4}}})});
  shards.select({"three", "one", "one"});
  EXPECT_THAT(names(shards), ElementsAre("one", "three"));
  EXPECT_EQ(read(shards, shards.utts()[1])[0], rounded_to_half(features_of("three", 1)[0]));
}

TEST(ShardSet, SelectNamesAnUnknownUtteranceAndKeepsTheSet) {
  const TemporaryFolder folder;
  ShardSet shards({write_shards(folder.path(), {{{"one", 3}, {"two", 1}}})});
  EXPECT_EQ(message_of([&] {
              shards.select({"one", "five"});
            }),
            "1 utterances of the list are in no shard, among them five");
  EXPECT_THAT(names(shards), ElementsAre("one", "two"));
  EXPECT_EQ(message_of([&] { shards.select({}); }), "the list of utterances is empty");
}

TEST(ShardSet, RefusesAnUtteranceThatOccursInTwoFolders) {
  const TemporaryFolder folder;
  const std::vector<std::string> folders{write_shards(folder / "a", {{{"one", 3}}}),
                                         write_shards(folder / "b", {{{"one", 3}}})};
  const std::string message = message_of([&] { ShardSet{folders}; });
  EXPECT_THAT(message, HasSubstr("utterance one occurs twice"));
  EXPECT_THAT(message, HasSubstr((folder / "b" / shard_name(0)).string()));
}

TEST(ShardSet, RefusesFoldersWithDifferentFeatures) {
  const TemporaryFolder folder;
  const std::string five = write_shards(folder / "a", {{{"one", 3}}});
  for (const std::string& other :
       {write_shards(folder / "b", {{{"two", 3}}}, 6, "num_mel_bins=6"),
        write_shards(folder / "c", {{{"two", 3}}}, 6),
        write_shards(folder / "d", {{{"two", 3}}}, kBins, "num_mel_bins=5 dither=1")}) {
    const std::string message = message_of([&] { ShardSet({five, other}); });
    EXPECT_THAT(message, HasSubstr("shards disagree on the features"));
    EXPECT_THAT(message, HasSubstr(five));
    EXPECT_THAT(message, HasSubstr(other));
  }
}

TEST(ShardSet, WantsAFolderAndAnUtterance) {
  const TemporaryFolder folder;
  EXPECT_THAT(message_of([] { ShardSet({}); }), HasSubstr("--shards"));
  const std::string empty = write_shards(folder.path(), {});
  EXPECT_EQ(message_of([&] { ShardSet({empty}); }), "no utterance in " + empty);
}

// More shards than files that are kept open, so that files close and open again under the readers.
TEST(ShardSet, FourThreadsReadWhatOneDoesFromManyShards) {
  const TemporaryFolder folder;
  std::vector<std::vector<Utterance>> layout;
  for (int64_t s = 0; s < 40; ++s) layout.push_back({{concat("a", s), 1 + s}, {concat("b", s), 7}});
  const ShardSet shards({write_shards(folder.path(), layout)});
  ASSERT_EQ(shards.utts().size(), 80u);
  std::vector<std::vector<float>> serial;
  for (const UtteranceEntry& entry : shards.utts()) {
    serial.push_back(read(shards, entry));
    EXPECT_NEAR(serial.back()[0], features_of(entry.utt, 1)[0], 0.01);
  }
  std::vector<int> different(4, 0);
  std::vector<std::thread> threads;
  for (uint64_t t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      Random random(1, {t});
      for (int i = 0; i < 2000; ++i) {
        const size_t u = random.below(80);
        different[t] += read(shards, shards.utts()[u]) == serial[u] ? 0 : 1;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_THAT(different, ElementsAre(0, 0, 0, 0));
}

// Without being read; a copy lies apart from its utterance.
TEST(Shards, BringWhatIsAnnouncedIntoMemory) {
  const TemporaryFolder folder;
  const ShardSet shards({write_shards(folder.path(), {{{"one", 30'000}, {"two", 30'000}}}, kBins,
                                      "num_mel_bins=5", 1)});
  const std::filesystem::path& path = shards.shard_path(0);
  const UtteranceEntry& two = shards.utts()[1];
  const int64_t bytes = two.num_frames * kBins * 2;
  // Its copy is the last in the file.
  const auto wait_for = [&](int64_t offset) {
    while (share_in_memory(path, offset, offset + bytes) < 1) std::this_thread::yield();
  };
  drop_from_memory(path);
  shards.announce(two);
  wait_for(two.byte_offset);
  drop_from_memory(path);
  shards.announce_copy(two, 0);
  wait_for(two.byte_offset + bytes);
  EXPECT_EQ(shards.bytes_read(), 0);
}

TEST(Shards, NameTheShardThatCannotBeAnnounced) {
  const TemporaryFolder folder;
  const ShardSet shards({write_shards(folder.path(), {{{"one", 3}}})});
  std::filesystem::remove(shards.shard_path(0));
  EXPECT_THAT(message_of([&] { shards.announce(shards.utts()[0]); }),
              HasSubstr(shards.shard_path(0).string()));
}

}  // namespace
}  // namespace spc
