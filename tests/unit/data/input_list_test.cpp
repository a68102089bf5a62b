#include "data/input_list.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "unit/temporary_folder.h"

namespace spc {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

std::vector<std::string> utts_of(const std::vector<InputItem>& items) {
  std::vector<std::string> utts;
  for (const InputItem& item : items) utts.push_back(item.utt);
  return utts;
}

TEST(WavScp, PathIsTheRestOfTheLine) {
  const TemporaryFolder folder;
  const auto items =
      read_wav_scp(folder.file("wav.scp", "b /data/b.wav\r\n\n a\t/data/with some  spaces.wav \n"));
  EXPECT_THAT(utts_of(items), ElementsAre("b", "a"));
  EXPECT_EQ(items[0].path, "/data/b.wav");
  EXPECT_EQ(items[1].path, "/data/with some  spaces.wav");
  EXPECT_EQ(items[1].spk, "");
}

struct WrongList {
  const char* name;
  std::string text;
  const char* message;
};
void PrintTo(const WrongList& each, std::ostream* out) {
  *out << each.name;
}

class WrongWavScp : public testing::TestWithParam<WrongList> {};
TEST_P(WrongWavScp, IsRefusedWithItsLine) {
  const TemporaryFolder folder;
  const std::string path = folder.file("wav.scp", GetParam().text);
  const std::string message = message_of([&] { (void)read_wav_scp(path); });
  EXPECT_THAT(message, HasSubstr(path + ": " + GetParam().message));
}
INSTANTIATE_TEST_SUITE_P(
    Each, WrongWavScp,
    testing::Values(WrongList{"no_path", "a a.wav\nb  \n", "line 2: 'b  ' names no file"},
                    WrongList{"pipe", "a sph2pipe -f wav a.sph | \n",
                              "line 1: utterance a is a Kaldi pipe"},
                    WrongList{"twice", "a 1.wav\nb 2.wav\na 3.wav\n",
                              "line 3: utterance a stands in line 1 already"},
                    WrongList{"empty", "\n \n", "lists no utterance"},
                    WrongList{"binary", std::string("a \0b.wav\n", 9), "is not a text file"}),
    [](const auto& each) { return std::string(each.param.name); });

TEST(WavScp, NamesTheMissingFile) {
  EXPECT_THAT(message_of([] { (void)read_wav_scp("/none/wav.scp"); }), HasSubstr("/none/wav.scp"));
}

TEST(WavDir, FindsAudioInAnyCaseSorted) {
  const TemporaryFolder folder;
  std::filesystem::create_directories(folder / "s2/deep");
  std::filesystem::create_directories(folder / "s1");
  for (const char* name : {"s2/b.WAV", "s2/deep/a.flac", "s1/c.Ogg", "s1/notes.txt", "z.wav"}) {
    (void)folder.file(name, "");
  }
  const auto items = list_wav_dir(folder.path());
  EXPECT_THAT(utts_of(items), ElementsAre("s1/c.Ogg", "s2/b.WAV", "s2/deep/a.flac", "z.wav"));
  EXPECT_EQ(items[2].path, (folder / "s2/deep/a.flac").string());
  EXPECT_EQ(items[2].spk, "") << "a folder's name must not be taken for a speaker";
}

TEST(WavDir, SameNamesHoweverTheFolderIsWritten) {
  const TemporaryFolder folder;
  (void)folder.file("a.wav", "");
  const auto items = list_wav_dir(folder / "./../" / folder.path().filename() / "");
  EXPECT_THAT(utts_of(items), ElementsAre("a.wav"));
  EXPECT_EQ(items[0].path, (folder / "a.wav").string());
}

TEST(WavDir, FollowsLinksButNotInCircles) {
  const TemporaryFolder folder;
  std::filesystem::create_directories(folder / "here");
  std::filesystem::create_directories(folder / "there");
  (void)folder.file("there/a.wav", "");
  std::filesystem::create_directory_symlink(folder / "there", folder / "here/linked");
  std::filesystem::create_directory_symlink(folder / "here", folder / "here/circle");
  EXPECT_THAT(utts_of(list_wav_dir(folder / "here")), ElementsAre("linked/a.wav"));
}

TEST(WavDir, RefusesWhatItCannotList) {
  const TemporaryFolder folder;
  EXPECT_THAT(message_of([&] { (void)list_wav_dir(folder / "none"); }),
              HasSubstr("no folder " + (folder / "none").string()));
  EXPECT_THAT(message_of([&] { (void)list_wav_dir(folder.path()); }),
              HasSubstr("no .wav, .flac, .ogg or .m4a file in"));
  (void)folder.file("my\xffvoice.wav", "");
  EXPECT_THAT(message_of([&] { (void)list_wav_dir(folder.path()); }),
              HasSubstr("has a name that is not UTF-8; rename it"));
}

TEST(WavDir, ASpaceInANameBecomesAnUnderscore) {
  const TemporaryFolder folder;
  (void)folder.file("my voice.wav", "");
  const auto items = list_wav_dir(folder.path());
  EXPECT_THAT(utts_of(items), ElementsAre("my_voice.wav"));
  EXPECT_EQ(items[0].path, (folder / "my voice.wav").string());
  (void)folder.file("my_voice.wav", "");
  EXPECT_THAT(
      message_of([&] { (void)list_wav_dir(folder.path()); }),
      HasSubstr("would be called my_voice.wav, as a space in a name becomes '_'; rename one"));
}

TEST(WavScp, IsUtf8) {
  const TemporaryFolder folder;
  EXPECT_THAT(
      utts_of(read_wav_scp(folder.file("a", "\xc3\xa9t\xc3\xa9 a.wav\n\xf0\x9f\x98\x80 b.wav\n"))),
      ElementsAre("\xc3\xa9t\xc3\xa9", "\xf0\x9f\x98\x80"));
  for (const char* bad : {"\xff\xfe", "a\xc3", "\xa9", "\xc0\x80", "\xe2\x82x"}) {
    const std::string path = folder.file("b", concat("ok a.wav\n", bad, " b.wav\n"));
    EXPECT_EQ(message_of([&] { (void)read_wav_scp(path); }),
              path + ": line 2 is not UTF-8 text; convert it");
  }
}

TEST(Utt2Spk, GivesEveryUtteranceItsSpeaker) {
  const TemporaryFolder folder;
  std::vector<InputItem> items{{"a", "a.wav", ""}, {"b", "b.wav", ""}};
  assign_speakers(folder.file("utt2spk", "other s0\nb s2\n\na\ts1\n"), items);
  EXPECT_EQ(items[0].spk, "s1");
  EXPECT_EQ(items[1].spk, "s2");
}

class WrongUtt2Spk : public testing::TestWithParam<WrongList> {};
TEST_P(WrongUtt2Spk, IsRefused) {
  const TemporaryFolder folder;
  std::vector<InputItem> items{{"a", "", ""}, {"b", "", ""}, {"c", "", ""}};
  const std::string path = folder.file("utt2spk", GetParam().text);
  EXPECT_THAT(message_of([&] { assign_speakers(path, items); }),
              HasSubstr(path + ": " + GetParam().message));
}
INSTANTIATE_TEST_SUITE_P(
    Each, WrongUtt2Spk,
    testing::Values(WrongList{"missing", "a s1\n",
                              "no speaker for 2 of 3 utterances, the first is b"},
                    WrongList{"words", "a s1\nb s1 s2\nc s1\n", "line 2: 'b s1 s2' must be"},
                    WrongList{"twice", "a s1\na s2\n", "line 2: utterance a occurs twice"}),
    [](const auto& each) { return std::string(each.param.name); });

}  // namespace
}  // namespace spc
