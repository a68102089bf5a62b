#include "pseudo/labels.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.h"
#include "base/file.h"
#include "unit/temporary_folder.h"

namespace spc {
namespace {

using testing::ElementsAre;

class LabelsTest : public testing::Test {
 protected:
  Labels read(const std::string& text) {
    write_text_atomically(folder_ / "labels", text);
    return read_labels(folder_ / "labels");
  }
  std::string complaint(const std::string& text) {
    try {
      read(text);
    } catch (const Error& error) {
      return error.what();
    }
    return "";
  }
  const TemporaryFolder folder_;
};

TEST_F(LabelsTest, NumbersAreOrderedAsNumbers) {
  const Labels labels = read("b 10\na 9\n\nc 10\nd\t2\n");
  EXPECT_THAT(labels.utts, ElementsAre("b", "a", "c", "d"));
  EXPECT_THAT(labels.names, ElementsAre("2", "9", "10"));
  EXPECT_THAT(labels.classes, ElementsAre(2, 1, 2, 0));
  EXPECT_THAT(read("a 007\nb 7\nc 99999999999999999999\nd 8\n").names,
              ElementsAre("7", "007", "8", "99999999999999999999"));
}

TEST_F(LabelsTest, OtherLabelsAreOrderedAsTexts) {
  const Labels labels = read("a id10\nb id9\nc 3\n");
  EXPECT_THAT(labels.names, ElementsAre("3", "id10", "id9"));
  EXPECT_THAT(labels.classes, ElementsAre(1, 2, 0));
}

TEST_F(LabelsTest, ComeBackAsTheyWereWritten) {
  write_labels(folder_ / "out", {"u-b", "u-a", "u-c"}, {1, 0, 1});
  EXPECT_EQ(read_text(folder_ / "out"), "u-b 1\nu-a 0\nu-c 1\n");
  const Labels labels = read_labels(folder_ / "out");
  EXPECT_THAT(labels.utts, ElementsAre("u-b", "u-a", "u-c"));
  EXPECT_THAT(labels.classes, ElementsAre(1, 0, 1));
}

TEST_F(LabelsTest, ErrorsNameFileAndLine) {
  const std::string file = (folder_ / "labels").string();
  EXPECT_EQ(complaint("a 1\nb\n"), file + ":2: 1 words, expected an utterance and its label");
  EXPECT_EQ(complaint("a 1 2\n"), file + ":1: 3 words, expected an utterance and its label");
  EXPECT_EQ(complaint("a 1\nb 1\na 2\n"), file + ":3: utterance 'a' a second time");
  EXPECT_EQ(complaint("\n"), file + ": no labels; expected lines `utt label`");
}

TEST_F(LabelsTest, PairsAreOfTheUtterancesThatBothKnow) {
  const Labels labels = read("a 0\nb 1\nc 1\n");
  const Labels reference = read("c ann\nx ben\na ben\n");
  const LabelPairs pairs = pair_up(labels, reference);
  EXPECT_THAT(pairs.labels, ElementsAre(0, 1));
  EXPECT_THAT(pairs.reference, ElementsAre(1, 0));
}

}  // namespace
}  // namespace spc
