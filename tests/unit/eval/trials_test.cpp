#include "eval/trials.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "base/error.h"

namespace spc {
namespace {

const std::vector<std::string> kUtts{"s1/a.wav", "s1/b.wav", "s2/c.wav"};
const std::vector<int32_t> kEnrol{0, 0, 2};
const std::vector<int32_t> kTest{1, 2, 2};
const std::vector<uint8_t> kTarget{1, 0, 1};

/// Each test in a folder of its own: ctest runs them side by side.
class TrialsTest : public testing::Test {
 protected:
  void SetUp() override {
    folder_ = std::filesystem::path(testing::TempDir()) /
              (std::string("spcnet_trials_") +
               testing::UnitTest::GetInstance()->current_test_info()->name());
    std::filesystem::create_directories(folder_);
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  [[nodiscard]] std::filesystem::path list() const { return folder_ / "trials.txt"; }

  Trials read(const std::string& text, const std::vector<std::string>& utts = kUtts) const {
    std::ofstream(list(), std::ios::binary) << text;
    return read_trials(list(), utts);
  }
  /// The error's text, the list's folder left out.
  std::string error_of(const std::string& text,
                       const std::vector<std::string>& utts = kUtts) const {
    try {
      read(text, utts);
    } catch (const Error& error) {
      std::string message = error.what();
      const auto at = message.find(folder_.string() + "/");
      if (at != std::string::npos) message.erase(at, folder_.string().size() + 1);
      return message;
    }
    return "no error";
  }

 private:
  std::filesystem::path folder_;
};

void expect_the_three_trials(const Trials& trials) {
  EXPECT_EQ(trials.size(), 3u);
  EXPECT_EQ(trials.enrol, kEnrol);
  EXPECT_EQ(trials.test, kTest);
  EXPECT_EQ(trials.target, kTarget);
}

TEST_F(TrialsTest, VoxcelebForm) {
  expect_the_three_trials(read("1 s1/a.wav s1/b.wav\n0 s1/a.wav s2/c.wav\n1 s2/c.wav s2/c.wav\n"));
}

TEST_F(TrialsTest, KaldiForm) {
  expect_the_three_trials(
      read("s1/a.wav s1/b.wav target\ns1/a.wav s2/c.wav nontarget\ns2/c.wav s2/c.wav target\n"));
}

TEST_F(TrialsTest, BlankLinesTabsCrlfAndMissingLastNewline) {
  expect_the_three_trials(
      read("\r\n1 s1/a.wav s1/b.wav\r\n\n0\ts1/a.wav\t s2/c.wav \r\n  \n 1 s2/c.wav s2/c.wav"));
  expect_the_three_trials(
      read("s1/a.wav s1/b.wav target\r\ns1/a.wav s2/c.wav nontarget\r\n"
           "s2/c.wav s2/c.wav target\r\n"));
}

TEST_F(TrialsTest, WrongNumberOfFields) {
  EXPECT_EQ(error_of("1 s1/a.wav s1/b.wav\n\n1 s1/a.wav\n"),
            "trials.txt:3: 2 fields, expected 3: '1 enrol test' or '0 enrol test' (VoxCeleb form), "
            "or 'enrol test target' or 'enrol test nontarget' (Kaldi form)");
  EXPECT_EQ(error_of("1 s1/a.wav s1/b.wav 0.5 x\n"),
            "trials.txt:1: 5 fields, expected 3: '1 enrol test' or '0 enrol test' (VoxCeleb form), "
            "or 'enrol test target' or 'enrol test nontarget' (Kaldi form)");
}

TEST_F(TrialsTest, UnknownLabel) {
  EXPECT_EQ(error_of("2 s1/a.wav s1/b.wav\n"),
            "trials.txt:1: no label, expected '1 enrol test' or '0 enrol test' (VoxCeleb form), "
            "or 'enrol test target' or 'enrol test nontarget' (Kaldi form)");
  EXPECT_EQ(error_of("1 s1/a.wav s1/b.wav\r\n2 s1/a.wav s1/b.wav\r\n"),
            "trials.txt:2: unknown label '2', expected 1 or 0");
  EXPECT_EQ(error_of("s1/a.wav s1/b.wav target\r\ns1/a.wav s1/b.wav Target\r\n"),
            "trials.txt:2: unknown label 'Target', expected target or nontarget");
}

TEST_F(TrialsTest, MixedForms) {
  EXPECT_EQ(error_of("1 s1/a.wav s1/b.wav\ns1/a.wav s2/c.wav nontarget\n"),
            "trials.txt:2: this line is in Kaldi form, the lines before it are in VoxCeleb form; "
            "write the whole list in one form");
  EXPECT_EQ(error_of("s1/a.wav s2/c.wav nontarget\n1 s1/a.wav s1/b.wav\n"),
            "trials.txt:2: this line is in VoxCeleb form, the lines before it are in Kaldi form; "
            "write the whole list in one form");
}

TEST_F(TrialsTest, UtteranceWithoutEmbedding) {
  EXPECT_EQ(error_of("1 s1/a.wav s1/b.wav\n0 s1/a.wav x/y.wav\n"),
            "trials.txt:2: no embedding for utterance 'x/y.wav'; extract it, or write the ids in "
            "the list as the embeddings have them (the first is 's1/a.wav')");
  EXPECT_EQ(error_of("1 s1/a.wav s1/b.wav\n", {}),
            "trials.txt:1: no embedding for utterance 's1/a.wav'; extract it, or write the ids in "
            "the list as the embeddings have them (there are none)");
}

TEST_F(TrialsTest, NothingToEvaluate) {
  const std::string no_trials =
      "trials.txt: no trials; expected lines like '1 enrol test' or '0 enrol test' (VoxCeleb "
      "form), or 'enrol test target' or 'enrol test nontarget' (Kaldi form)";
  EXPECT_EQ(error_of(""), no_trials);
  EXPECT_EQ(error_of("\n \r\n"), no_trials);
  EXPECT_EQ(error_of("1 s1/a.wav s1/b.wav\n"),
            "trials.txt: no nontarget trials; EER and minDCF need both kinds");
  EXPECT_EQ(error_of("s1/a.wav s2/c.wav nontarget\n"),
            "trials.txt: no target trials; EER and minDCF need both kinds");
}

TEST_F(TrialsTest, SameIdTwiceAmongEmbeddings) {
  EXPECT_EQ(error_of("1 a b\n0 a b\n", {"a", "b", "a"}),
            "the embeddings hold utterance 'a' twice, in rows 0 and 2; extract every utterance "
            "once");
}

TEST_F(TrialsTest, MissingFile) {
  EXPECT_THROW(read_trials(list(), kUtts), Error);
}

}  // namespace
}  // namespace spc
