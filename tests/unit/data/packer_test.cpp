#include "data/packer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "base/file.h"
#include "data/shard_plan.h"
#include "feat/wave.h"
#include "store/manifest.h"
#include "store/shard_set.h"
#include "unit/data/audio_folder.h"

namespace spc {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

constexpr int kPackedBins = 20;

/// An utterance with its stored bytes.
using Content = std::vector<std::pair<UtteranceEntry, std::vector<float>>>;

class PackerTest : public testing::Test {
 protected:
  [[nodiscard]] PackOptions options(const std::string& out = "out") const {
    PackOptions pack;
    pack.fbank.num_mel_bins = kPackedBins;
    pack.out = folder_ / out;
    pack.shard_frames = 200;  // some three or four utterances
    pack.stop = [] { return false; };
    return pack;
  }
  static Content content(const std::filesystem::path& shards) {
    const ShardSet set({shards});
    Content all;
    for (const UtteranceEntry& entry : set.utts()) {
      all.emplace_back(entry, std::vector<float>());
      set.read(entry, all.back().second);
    }
    return all;
  }
  /// Equal down to the place of every utterance in its shard.
  static void expect_equal(const Content& actual, const Content& expected) {
    ASSERT_EQ(actual.size(), expected.size());
    for (size_t i = 0; i < actual.size(); ++i) {
      EXPECT_EQ(actual[i].first.utt, expected[i].first.utt);
      EXPECT_EQ(actual[i].first.spk, expected[i].first.spk);
      EXPECT_EQ(actual[i].first.shard, expected[i].first.shard);
      EXPECT_EQ(actual[i].first.byte_offset, expected[i].first.byte_offset);
      EXPECT_EQ(actual[i].first.crc32c, expected[i].first.crc32c);
      EXPECT_EQ(actual[i].second, expected[i].second);
    }
  }
  [[nodiscard]] std::vector<std::string> names(const std::string& out = "out") const {
    std::vector<std::string> all;
    for (const auto& entry : std::filesystem::directory_iterator(folder_ / out)) {
      const std::string name = entry.path().filename();
      if (!name.starts_with(".lock")) all.push_back(name);
    }
    std::sort(all.begin(), all.end());
    return all;
  }
  [[nodiscard]] std::filesystem::path manifest(const std::string& out = "out") const {
    return folder_ / out / manifest_name(1, 1);
  }

  AudioFolder folder_;
};

// Copies as the augmenter makes them, whatever the threads; the utterances are those without
// copies.
TEST_F(PackerTest, StoresAugmentedCopies) {
  const std::vector<InputItem> items = folder_.items(5);
  PackOptions with_copies = options();
  with_copies.copies = {.num = 3, .reverb_prob = 0};
  with_copies.sources.noise = {folder_.audio("noise.wav", 2, 77)};
  const PackResult result = pack(items, with_copies);
  EXPECT_EQ(result.utts, 5);
  EXPECT_EQ(result.copies, 15);
  pack(items, options("plain"));
  const ShardSet shards({with_copies.out});
  const ShardSet plain({folder_ / "plain"});
  ASSERT_EQ(shards.utts().size(), 5u);
  EXPECT_EQ(shards.num_copies(), 15);
  const WaveAugmenter augmenter(with_copies.copies, with_copies.sources, 16000);
  const Fbank fbank(with_copies.fbank);
  for (size_t u = 0; u < 5; ++u) {
    const UtteranceEntry& entry = shards.utts()[u];
    std::vector<float> feats, expected;
    shards.read(entry, feats);
    plain.read(plain.utts()[u], expected);
    EXPECT_EQ(feats, expected);
    ASSERT_EQ(entry.num_copies, 3);
    const Wave wave = read_wave(items[u].path, 16000);
    for (int32_t copy = 0; copy < 3; ++copy) {
      shards.read_copy(entry, copy, feats);
      expected =
          fbank.compute(augmenter.make(wave.samples, entry.utt, items[u].path, copy + 1).samples);
      ASSERT_EQ(feats.size(), expected.size());
      for (size_t i = 0; i < feats.size(); ++i)
        ASSERT_NEAR(feats[i], expected[i], std::abs(expected[i]) * 0x1p-10 + 1e-6);
    }
  }
  PackOptions threads = with_copies;
  threads.out = folder_ / "threads";
  threads.threads = 3;
  pack(items, threads);
  for (const std::string& shard : result.shards)
    EXPECT_EQ(read_text(with_copies.out / shard), read_text(threads.out / shard));
  EXPECT_TRUE(pack(items, with_copies).was_complete);
  with_copies.copies.num = 2;
  const std::string refused = message_of([&] { pack(items, with_copies); });
  EXPECT_THAT(refused, HasSubstr("has the augmented copies 'num=3 "));
  EXPECT_THAT(refused, HasSubstr("this run asks for the augmented copies 'num=2 "));
}

// Part 2 with copies beside part 1 without them, and the other way round.
TEST_F(PackerTest, PartsAgreeOnTheCopies) {
  const std::vector<InputItem> items = folder_.items(4);
  PackOptions plain = options();
  plain.parts = 2;
  PackOptions copied = plain;
  copied.part = 2;
  copied.copies = {.num = 1, .reverb_prob = 0};
  copied.sources.noise = {folder_.audio("noise.wav", 2, 77)};
  (void)pack(items, plain);
  EXPECT_THAT(message_of([&] { (void)pack(items, copied); }),
              testing::AllOf(HasSubstr("manifest-001-of-002.tsv has no augmented copies, this run "
                                       "asks for the augmented copies 'num=1 "),
                             HasSubstr("use another --out, or delete " + plain.out.string())));
  copied.out = plain.out = folder_ / "other";
  (void)pack(items, copied);
  EXPECT_THAT(message_of([&] { (void)pack(items, plain); }),
              HasSubstr("this run asks for no augmented copies"));
}

// A copy that is too loud for float16 takes its utterance out, and nothing else.
TEST_F(PackerTest, ACopyThatCannotBeStoredIsABadFile) {
  std::vector<InputItem> items = folder_.items(5);
  {  // so loud that with noise 100 dB above it the energies are infinite
    std::vector<float> samples(16000);
    for (size_t i = 0; i < samples.size(); ++i) samples[i] = i % 7 < 3 ? 1e10F : -1e10F;
    SF_INFO info{};
    info.samplerate = 16000;
    info.channels = 1;
    info.format = SF_FORMAT_WAV | SF_FORMAT_FLOAT;
    SNDFILE* file = sf_open(items[2].path.c_str(), SFM_WRITE, &info);
    ASSERT_NE(file, nullptr);
    sf_write_float(file, samples.data(), static_cast<sf_count_t>(samples.size()));
    sf_close(file);
  }
  PackOptions loud = options();
  loud.copies = {.num = 2, .reverb_prob = 0, .noise_snr_low = -100, .noise_snr_high = -100};
  loud.sources.noise = {folder_.audio("noise.wav", 2, 77)};
  const PackResult result = pack(items, loud);
  ASSERT_THAT(result.bad, SizeIs(1));
  EXPECT_THAT(result.bad[0],
              testing::AllOf(testing::StartsWith("u02: its copy by noise -100.0 dB noise.wav"),
                             HasSubstr("too large for float16")));
  EXPECT_EQ(result.utts, 4);
  EXPECT_EQ(result.copies, 8);
  Content all = content(loud.out);
  ASSERT_THAT(all, SizeIs(4));
  (void)pack(items, options("plain"));
  Content plain = content(folder_ / "plain");
  std::erase_if(plain, [](const auto& each) { return each.first.utt == "u02"; });
  ASSERT_THAT(plain, SizeIs(4)) << "u02 itself can be stored";
  for (size_t i = 0; i < 4; ++i) EXPECT_EQ(all[i].second, plain[i].second);
  loud.out = folder_ / "strict";
  loud.fail_on_bad = true;
  EXPECT_THAT(message_of([&] { (void)pack(items, loud); }), HasSubstr("u02: its copy"));
}

TEST_F(PackerTest, SpeedsAreOtherUtterancesOfOtherSpeakers) {
  const std::vector<InputItem> items = with_speeds(folder_.items(2), {0.9, 1.1});
  pack(items, options());
  const ShardSet shards({options().out});
  std::vector<std::string> names;
  for (const UtteranceEntry& entry : shards.utts()) names.push_back(entry.utt + " " + entry.spk);
  EXPECT_THAT(names,
              ElementsAre("u00 even", "u01 odd", "sp0.9-u00 sp0.9-even", "sp0.9-u01 sp0.9-odd",
                          "sp1.1-u00 sp1.1-even", "sp1.1-u01 sp1.1-odd"));
  const Fbank fbank(options().fbank);
  for (const UtteranceEntry& entry : shards.utts()) {
    const double speed = entry.utt.starts_with("sp0.9")   ? 0.9
                         : entry.utt.starts_with("sp1.1") ? 1.1
                                                          : 1;
    const double seconds = entry.utt.ends_with("u00") ? 0.3 : 0.8;
    EXPECT_NEAR(static_cast<double>(entry.num_frames),
                static_cast<double>(fbank.num_frames(std::llround(seconds * 16000 / speed))), 1);
  }
  EXPECT_THAT(message_of([&] { with_speeds(items, {0.9}); }),
              HasSubstr("sp0.9-u00 is in the list"));
  EXPECT_THAT(message_of([&] { with_speeds(items, {1}); }), HasSubstr("must be 0.5 to 2"));
  EXPECT_THAT(message_of([&] { with_speeds(items, {0.8, 0.8}); }), HasSubstr("given twice"));
}

TEST_F(PackerTest, StoresTheLogEnergiesOfEveryFile) {
  const std::vector<InputItem> items = folder_.items(9);
  const PackResult result = pack(items, options());
  EXPECT_EQ(result.utts, 9);
  EXPECT_THAT(result.speakers, ElementsAre("even", "odd"));
  EXPECT_THAT(result.shards, SizeIs(testing::Ge(2u)));
  EXPECT_THAT(result.bad, IsEmpty());
  EXPECT_FALSE(result.stopped || result.was_complete);

  const Fbank fbank(options().fbank);
  const Content stored = content(options().out);
  ASSERT_EQ(stored.size(), items.size());
  int64_t frames = 0;
  for (size_t i = 0; i < items.size(); ++i) {
    EXPECT_EQ(stored[i].first.utt, items[i].utt) << "the order of the list";
    EXPECT_EQ(stored[i].first.spk, items[i].spk);
    const std::vector<float> expected = fbank.compute(read_wave(items[i].path, 16000).samples);
    ASSERT_EQ(stored[i].second.size(), expected.size());
    for (size_t k = 0; k < expected.size(); ++k) {  // half precision: 11 bits
      EXPECT_NEAR(stored[i].second[k], expected[k], std::abs(expected[k]) * 0x1p-11);
    }
    frames += stored[i].first.num_frames;
  }
  EXPECT_EQ(result.frames, frames);
  EXPECT_NEAR(result.speech_seconds, static_cast<double>(frames) * 0.01, 1e-9);
}

TEST_F(PackerTest, StoresTheLevelsOfEveryFile) {
  std::vector<InputItem> items = folder_.items(2);
  items.push_back({"low", folder_.audio("low.wav", 0.5, 7, {.sample_rate = 8000}), ""});
  const PackResult result = pack(items, options());
  ASSERT_THAT(result.shards, SizeIs(1));
  const std::vector<SourceLevels> stored = read_source_levels(options().out / result.shards[0]);
  ASSERT_EQ(stored.size(), items.size());
  for (size_t i = 0; i < items.size(); ++i) {
    const Levels expected = read_wave(items[i].path, 16000).levels;
    EXPECT_EQ(stored[i].peak_db, expected.peak_db);
    EXPECT_EQ(stored[i].rms_db, expected.rms_db);
    EXPECT_EQ(stored[i].clipped, expected.clipped);
  }
  EXPECT_EQ(stored[0].source_rate, 16000);
  EXPECT_EQ(stored[2].source_rate, 8000);
  EXPECT_LT(stored[2].rms_db, stored[2].peak_db);
}

TEST_F(PackerTest, AShardClosesWhenItIsFull) {
  const PackResult result = pack(folder_.items(12), options());
  for (size_t i = 0; i < result.shards.size(); ++i) {
    const ShardIndex shard = read_shard_index(options().out / result.shards[i]);
    int64_t frames = 0;
    for (const UtteranceEntry& entry : shard.utts) frames += entry.num_frames;
    EXPECT_LT(frames - shard.utts.back().num_frames, 200) << "it was full before";
    if (i + 1 < result.shards.size()) {
      EXPECT_GE(frames, 200);
    }
  }
}

TEST_F(PackerTest, ThreadsDoNotChangeTheBytes) {
  const std::vector<InputItem> items = folder_.items(12);
  for (const int threads : {1, 3}) {
    PackOptions pack_options = options(concat("out", threads));
    pack_options.threads = threads;
    pack_options.fbank.dither = 1;
    (void)pack(items, pack_options);
  }
  expect_equal(content(folder_ / "out3"), content(folder_ / "out1"));
}

TEST_F(PackerTest, DitherDependsOnTheNameAlone) {
  std::vector<InputItem> items = folder_.items(2);
  items[1].path = items[0].path;  // one recording, two names
  PackOptions pack_options = options();
  pack_options.fbank.dither = 1;
  (void)pack(items, pack_options);
  std::reverse(items.begin(), items.end());
  pack_options.out = folder_ / "reversed";
  (void)pack(items, pack_options);
  const Content stored = content(folder_ / "out"), reversed = content(folder_ / "reversed");
  EXPECT_EQ(stored[0].second, reversed[1].second);
  EXPECT_EQ(stored[1].second, reversed[0].second);
  EXPECT_NE(stored[0].second, stored[1].second);
}

TEST_F(PackerTest, ContinuesWithWholeShards) {
  const std::vector<InputItem> items = folder_.items(12);
  const PackResult whole = pack(items, options());
  const Content expected = content(options().out);
  ASSERT_THAT(whole.shards, SizeIs(testing::Ge(3u)));
  std::filesystem::remove(manifest());
  std::filesystem::remove(options().out / whole.shards.back());
  std::ofstream(options().out / "shard-00099.h5.tmp") << "half a shard";
  const auto written = std::filesystem::last_write_time(options().out / whole.shards[0]);

  const PackResult rest = pack(items, options());
  EXPECT_EQ(rest.kept_shards, static_cast<int64_t>(whole.shards.size()) - 1);
  EXPECT_EQ(rest.utts, whole.utts);
  EXPECT_EQ(rest.frames, whole.frames);
  EXPECT_EQ(rest.shards, whole.shards);
  EXPECT_EQ(rest.speakers, whole.speakers);
  EXPECT_LT(rest.speech_seconds, whole.speech_seconds / 2) << "whole shards were packed again";
  EXPECT_EQ(std::filesystem::last_write_time(options().out / whole.shards[0]), written);
  expect_equal(content(options().out), expected);
  EXPECT_THAT(names(), testing::Not(testing::Contains(testing::EndsWith(".tmp"))));
}

TEST_F(PackerTest, PacksAMissingOrDamagedShardInTheMiddle) {
  const std::vector<InputItem> items = folder_.items(12);
  const PackResult whole = pack(items, options());
  const Content expected = content(options().out);
  const std::filesystem::path middle = options().out / whole.shards[1];
  for (const bool damaged : {false, true}) {
    if (damaged) {
      std::filesystem::resize_file(middle, std::filesystem::file_size(middle) / 2);
    } else {
      std::filesystem::remove(middle);
    }
    PackOptions interrupted = options();
    interrupted.stop = [] { return true; };
    EXPECT_TRUE(pack(items, interrupted).stopped);
    EXPECT_FALSE(std::filesystem::exists(manifest())) << "it named what is not there";
    const PackResult mended = pack(items, options());
    EXPECT_FALSE(mended.was_complete);
    EXPECT_EQ(mended.kept_shards, static_cast<int64_t>(whole.shards.size()) - 1);
    EXPECT_EQ(mended.shards, whole.shards);
    expect_equal(content(options().out), expected);
  }
}

TEST_F(PackerTest, AGapNeverTakesTheNumberOfAKeptShard) {
  const std::vector<InputItem> items = folder_.items(12);
  const PackResult whole = pack(items, options());
  ASSERT_THAT(whole.shards, SizeIs(testing::Ge(3u)));
  const ShardInfo middle = read_shard_index(options().out / whole.shards[1]).info;
  for (int64_t row = middle.item_begin; row < middle.item_end; ++row) {  // each fills a shard now
    (void)folder_.audio(items[static_cast<size_t>(row)].utt + ".wav", 2.5, 7);
  }
  std::filesystem::remove(options().out / whole.shards[1]);
  const PackResult mended = pack(items, options());
  EXPECT_EQ(mended.shards, whole.shards);
  EXPECT_EQ(mended.utts, 12);
  EXPECT_THAT(content(options().out), SizeIs(12));
}

TEST_F(PackerTest, CompleteIsLeftAlone) {
  const std::vector<InputItem> items = folder_.items(5);
  const PackResult first = pack(items, options());
  const auto written = std::filesystem::last_write_time(manifest());
  std::filesystem::remove(items[0].path);  // not needed any longer
  const PackResult second = pack(items, options());
  EXPECT_TRUE(second.was_complete);
  EXPECT_EQ(second.utts, first.utts);
  EXPECT_EQ(second.shards, first.shards);
  EXPECT_EQ(second.speech_seconds, 0);
  EXPECT_EQ(std::filesystem::last_write_time(manifest()), written);
}

TEST_F(PackerTest, StopsOnRequestAndContinues) {
  const std::vector<InputItem> items = folder_.items(12);
  (void)pack(items, options("expected"));
  PackOptions interrupted = options();
  int asked = 0;
  interrupted.stop = [&] { return ++asked > 8; };
  const PackResult stopped = pack(items, interrupted);
  EXPECT_TRUE(stopped.stopped);
  EXPECT_THAT(stopped.shards, SizeIs(testing::AllOf(testing::Ge(1u), testing::Lt(4u))));
  EXPECT_EQ(names(), stopped.shards) << "whole shards and nothing else";

  const PackResult rest = pack(items, options());
  EXPECT_EQ(rest.kept_shards, static_cast<int64_t>(stopped.shards.size()));
  EXPECT_EQ(rest.kept_utts, stopped.utts);
  expect_equal(content(folder_ / "out"), content(folder_ / "expected"));
}

TEST_F(PackerTest, PartsHoldWhatTheWholeHolds) {
  const std::vector<InputItem> items = folder_.items(11);
  (void)pack(items, options("whole"));
  PackOptions one = options("parts");
  one.parts = 2;
  const std::string other_job = "part-002-of-002-shard-00000.h5.tmp";
  std::filesystem::create_directories(one.out);
  std::ofstream(one.out / other_job) << "the other job writes this now";
  const PackResult first = pack(items, one);
  EXPECT_THAT(names("parts"), testing::Contains(other_job));
  EXPECT_THAT(first.shards[0], "part-001-of-002-shard-00000.h5");
  EXPECT_THAT(message_of([&] { (void)content(one.out); }), HasSubstr("part 2 of 2 is missing"));
  one.part = 2;
  const PackResult second = pack(items, one);
  EXPECT_EQ(first.utts, 5);
  EXPECT_EQ(second.utts, 6);
  EXPECT_THAT(names("parts"), testing::Not(testing::Contains(other_job)));

  const Content whole = content(folder_ / "whole"), parts = content(folder_ / "parts");
  ASSERT_EQ(parts.size(), whole.size());
  for (size_t i = 0; i < whole.size(); ++i) {
    EXPECT_EQ(parts[i].first.utt, whole[i].first.utt);
    EXPECT_EQ(parts[i].first.spk, whole[i].first.spk);
    EXPECT_EQ(parts[i].second, whole[i].second);
  }
}

// Who speaks in the shards stands beside them once all parts are there, and never when it is not
// true.
TEST_F(PackerTest, WritesTheSpeakersOfWhatItPacked) {
  std::vector<InputItem> items = with_speeds(folder_.items(4), {0.9});
  items[1].path = "missing.wav";
  PackOptions one = options();
  one.parts = 2;
  one.part = 2;
  const std::filesystem::path list = one.out / "utt2spk";
  (void)pack(items, one);
  EXPECT_FALSE(std::filesystem::exists(list));
  one.part = 1;
  (void)pack(items, one);
  const std::string expected =
      "u00 even\nu02 even\nu03 odd\n"
      "sp0.9-u00 sp0.9-even\nsp0.9-u01 sp0.9-odd\nsp0.9-u02 sp0.9-even\nsp0.9-u03 sp0.9-odd\n";
  EXPECT_EQ(read_text(list), expected);
  std::filesystem::remove(list);
  (void)pack(items, one);  // complete, but for the list
  EXPECT_EQ(read_text(list), expected);

  std::filesystem::remove(one.out / "part-001-of-002-shard-00000.h5");
  int asked = 0;
  one.stop = [&] { return ++asked > 1; };
  EXPECT_TRUE(pack(items, one).stopped);
  EXPECT_FALSE(std::filesystem::exists(list));

  for (InputItem& item : items) item.spk.clear();
  (void)pack(items, options("nobody"));
  EXPECT_FALSE(std::filesystem::exists(folder_ / "nobody" / "utt2spk"));
}

TEST_F(PackerTest, PartsMayBeMoreThanUtterances) {
  const std::vector<InputItem> items = folder_.items(2);
  PackOptions one = options();
  one.parts = 3;
  for (one.part = 1; one.part <= 3; ++one.part) (void)pack(items, one);
  EXPECT_THAT(content(one.out), SizeIs(2));
}

TEST_F(PackerTest, LeavesOutBadFilesAndRemembersThem) {
  std::vector<InputItem> items = folder_.items(12);
  items[2].path = folder_.file("text.wav", "this is no audio");
  items[3].path = folder_.audio("short.wav", 0.02, 3);
  items[11].path = folder_ / "missing.wav";
  const PackResult result = pack(items, options());
  EXPECT_EQ(result.utts, 9);
  ASSERT_THAT(result.bad, SizeIs(3));
  EXPECT_THAT(result.bad[0],
              HasSubstr("u02: cannot read " + items[2].path + ": not an audio file"));
  EXPECT_THAT(result.bad[1],
              HasSubstr("u03: " + items[3].path + " is shorter than one frame: 20.0 ms of 25"));
  EXPECT_THAT(result.bad[2],
              testing::AllOf(testing::StartsWith("u11: "), HasSubstr("missing.wav")));
  EXPECT_EQ(read_manifest(manifest()).bad, 3);
  EXPECT_THAT(content(options().out), SizeIs(9));

  const PackResult again = pack(items, options());
  EXPECT_TRUE(again.was_complete);
  EXPECT_EQ(again.bad, result.bad);
  EXPECT_EQ(again.bad_shards, result.bad_shards);

  // Mended, and the shard deleted as the message says.
  std::filesystem::copy_file(items[0].path, items[11].path);
  ASSERT_FALSE(result.bad_shards.empty());
  std::filesystem::remove(options().out / result.bad_shards.back());
  const PackResult mended = pack(items, options());
  EXPECT_EQ(mended.utts, 10);
  EXPECT_THAT(mended.bad, SizeIs(2));
  EXPECT_EQ(read_manifest(manifest()).bad, 2);
}

TEST_F(PackerTest, BadOnesAtTheEndMakeNoEmptyShard) {
  std::vector<InputItem> items = folder_.items(6);
  PackOptions each_alone = options();
  each_alone.shard_frames = 1;
  items[4].path = items[5].path = "missing.wav";
  const PackResult result = pack(items, each_alone);
  EXPECT_THAT(result.shards, SizeIs(4));
  EXPECT_THAT(result.bad_shards, ElementsAre("shard-00003.h5"));
  EXPECT_EQ(read_shard_index(each_alone.out / "shard-00003.h5").info.item_end, 6);
}

TEST_F(PackerTest, FailOnBadNamesTheFirst) {
  std::vector<InputItem> items = folder_.items(12);
  items[7].path = "missing.wav";
  items[9].path = "also_missing.wav";
  PackOptions strict = options();
  strict.fail_on_bad = true;
  EXPECT_THAT(message_of([&] { (void)pack(items, strict); }),
              testing::AllOf(testing::StartsWith("u07: "), HasSubstr("missing.wav"),
                             HasSubstr("--fail-on-bad")));
  EXPECT_THAT(names(),
              testing::AllOf(SizeIs(testing::Ge(1u)), testing::Each(testing::EndsWith(".h5"))));
}

TEST_F(PackerTest, NothingGoodIsAnError) {
  std::vector<InputItem> items = folder_.items(3);
  for (InputItem& item : items) item.path = "elsewhere/" + item.utt + ".wav";
  EXPECT_THAT(message_of([&] { (void)pack(items, options()); }),
              testing::AllOf(HasSubstr("none of the 3 files could be packed"),
                             HasSubstr("elsewhere/u00.wav")));
  EXPECT_THAT(names(), IsEmpty());
}

TEST_F(PackerTest, RefusesAFolderOfAnotherRun) {
  const std::vector<InputItem> items = folder_.items(6);
  (void)pack(items, options());
  const auto refused = [&](const std::vector<InputItem>& list, const PackOptions& changed) {
    std::string message;
    for (const bool finished : {true, false}) {
      if (!finished) std::filesystem::rename(manifest(), folder_ / "manifest");
      message = message_of([&] { (void)pack(list, changed); });
      if (!finished) std::filesystem::rename(folder_ / "manifest", manifest());
      EXPECT_THAT(message, testing::AllOf(HasSubstr(options().out.string()),
                                          HasSubstr("use another --out, or delete")));
    }
    return message;
  };
  PackOptions changed = options();
  changed.fbank.num_mel_bins = kPackedBins + 1;
  EXPECT_THAT(refused(items, changed),
              testing::AllOf(HasSubstr("num_mel_bins=20 "), HasSubstr("num_mel_bins=21 ")));
  changed = options();
  changed.shard_frames = 300;
  EXPECT_THAT(refused(items, changed), HasSubstr("another --shard-frames"));
  changed = options();
  changed.parts = 2;
  EXPECT_THAT(refused(items, changed), HasSubstr("another run than part 1 of 2"));
  for (std::string InputItem::*field : {&InputItem::utt, &InputItem::path, &InputItem::spk}) {
    std::vector<InputItem> renamed = items;
    renamed[3].*field += "x";
    EXPECT_THAT(refused(renamed, options()), HasSubstr("another list"));
  }
  EXPECT_TRUE(pack(items, options()).was_complete) << "a refusal must change nothing";
}

TEST_F(PackerTest, RefusesAPartThatAnotherProcessPacks) {
  const std::vector<InputItem> items = folder_.items(3);
  std::filesystem::create_directories(options().out);
  {
    const FileLock other(options().out / ".lock-1-of-1", "busy");
    EXPECT_THAT(message_of([&] { (void)pack(items, options()); }),
                HasSubstr("another process packs part 1 of 1 into " + options().out.string()));
  }
  EXPECT_EQ(pack(items, options()).utts, 3);
}

TEST_F(PackerTest, CountsWhatWasChangedOnTheWay) {
  std::vector<InputItem> items = folder_.items(2);
  items.push_back(
      {"cd", folder_.audio("cd.flac", 0.5, 1, {SF_FORMAT_FLAC | SF_FORMAT_PCM_16, 44100, 2}), ""});
  items.push_back({"phone",
                   folder_.audio("phone.ogg", 0.5, 2, {SF_FORMAT_OGG | SF_FORMAT_VORBIS, 8000, 1}),
                   ""});
  items.push_back({"phone2",
                   folder_.audio("phone2.wav", 0.5, 3, {SF_FORMAT_WAV | SF_FORMAT_ULAW, 8000, 1}),
                   ""});
  const PackResult result = pack(items, options());
  EXPECT_THAT(result.bad, IsEmpty());
  EXPECT_THAT(result.resampled, ElementsAre(testing::Pair(8000, 2), testing::Pair(44100, 1)));
  EXPECT_EQ(result.averaged, 1);
  for (const auto& [entry, feats] : content(options().out)) {
    if (entry.spk.empty()) {
      EXPECT_EQ(entry.num_frames, 48) << entry.utt;
    }
  }
}

TEST(ListPart, PartsCoverTheListOnce) {
  for (const int64_t count : {0, 1, 7, 128, 1001}) {
    for (const int parts : {1, 2, 3, 128}) {
      int64_t row = 0;
      for (int part = 1; part <= parts; ++part) {
        const ListPart range = list_part(count, part, parts);
        EXPECT_EQ(range.begin, row);
        EXPECT_GE(range.end - range.begin, count / parts);
        EXPECT_LE(range.end - range.begin, count / parts + 1);
        row = range.end;
      }
      EXPECT_EQ(row, count);
    }
  }
}

TEST(ShardName, SortsLikeTheList) {
  EXPECT_EQ(shard_name(list_part(10, 1, 1), 12), "shard-00012.h5");
  EXPECT_EQ(shard_name(list_part(10, 3, 128), 0), "part-003-of-128-shard-00000.h5");
}

}  // namespace
}  // namespace spc
