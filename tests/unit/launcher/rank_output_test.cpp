#include "launcher/rank_output.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "unit/temporary_folder.h"

namespace spc {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

TEST(TaggedLine, OfMpirun) {
  const auto line =
      parse_tagged_line("[1,12]<stderr>:[rank 12] error: a, b]<std c>: d", LineTags::kMpirun);
  ASSERT_TRUE(line);
  EXPECT_EQ(line->rank, 12);
  EXPECT_EQ(line->text, "[rank 12] error: a, b]<std c>: d");
  EXPECT_EQ(parse_tagged_line("[1,0]<stdout>:", LineTags::kMpirun)->text, "");
}

TEST(TaggedLine, OfSrun) {
  const auto line = parse_tagged_line(" 3: step 7: fine", LineTags::kSrun);
  ASSERT_TRUE(line);
  EXPECT_EQ(line->rank, 3);
  EXPECT_EQ(line->text, "step 7: fine");
}

TEST(TaggedLine, OthersAreTheStarters) {
  for (const char* text : {"", "MPI_ABORT was invoked on rank 0", "[vm:10245] 1 more process",
                           "[1,x]<stderr>:text", "[1,-2]<stderr>:text"})
    EXPECT_FALSE(parse_tagged_line(text, LineTags::kMpirun)) << text;
  for (const char* text : {"", "srun: error: b: task 1: Killed", ": text", "1:text"})
    EXPECT_FALSE(parse_tagged_line(text, LineTags::kSrun)) << text;
}

class RankOutputTest : public testing::Test {
 protected:
  RankOutput make(const std::filesystem::path& folder, LineTags tags = LineTags::kMpirun) {
    return {folder, tags, "== start 1",
            [this](const std::string& line) { screen_.push_back(line); }};
  }
  const TemporaryFolder folder_;
  std::vector<std::string> screen_;
};

TEST_F(RankOutputTest, AFileForEachRankAndWhatMattersOnTheScreen) {
  RankOutput output = make(folder_.path() / "run" / "logs");
  output.take("[1,0]<stderr>:step 1");
  output.take("[1,1]<stderr>:step 1 of rank 1");
  output.take("[1,1]<stderr>:[rank 1] warning: slow");
  output.take("[1,1]<stderr>:[rank 1] error: gone");
  EXPECT_THAT(screen_, ElementsAre("step 1", "[rank 1] warning: slow", "[rank 1] error: gone"));
  EXPECT_EQ(output.last_error(), "[rank 1] error: gone");
  EXPECT_EQ(read_text(folder_.path() / "run/logs/rank-0.log"), "== start 1\nstep 1\n");
  EXPECT_EQ(read_text(folder_.path() / "run/logs/rank-1.log"),
            "== start 1\nstep 1 of rank 1\n[rank 1] warning: slow\n[rank 1] error: gone\n");
}

TEST_F(RankOutputTest, LogsGrowOverRestarts) {
  make(folder_.path()).take("[1,0]<stdout>:a");
  make(folder_.path()).take("[1,0]<stdout>:b");
  EXPECT_EQ(read_text(folder_.path() / "rank-0.log"), "== start 1\na\n== start 1\nb\n");
}

TEST_F(RankOutputTest, ALogThatCannotBeWrittenEndsNothing) {
  RankOutput output = make(folder_.file("file", "") + "/logs");
  output.take("[1,0]<stdout>:a");
  output.take("[1,0]<stdout>:b");
  EXPECT_THAT(screen_, ElementsAre("a", "b"));
}

TEST_F(RankOutputTest, WithoutAFolderThereAreNoFiles) {
  make("").take("[1,0]<stdout>:a");
  EXPECT_THAT(screen_, ElementsAre("a"));
}

TEST_F(RankOutputTest, KnowsWhenTheRanksHaveMet) {
  RankOutput output = make("");
  output.take("[1,0]<stderr>:UCX  WARN  network device 'eth7' is not available");
  EXPECT_FALSE(output.have_met()) << "a word is no meeting";
  output.take("[1,0]<stderr>:[rank 0] 4 ranks on 2 hosts");
  EXPECT_TRUE(output.have_met());
}

TEST_F(RankOutputTest, KnowsTheHostThatIsBlamed) {
  const auto blamed = [&](const char* line, LineTags tags) {
    RankOutput output = make("", tags);
    output.take(line);
    EXPECT_THAT(screen_, testing::IsEmpty()) << "kept for when nobody else says why";
    EXPECT_THAT(output.starter_lines(), ElementsAre(line));
    return output.failed_host();
  };
  EXPECT_EQ(
      blamed(
          "mpirun noticed that process rank 1 with PID 0 on node b-2 exited on signal 9 (Killed).",
          LineTags::kMpirun),
      "b-2");
  EXPECT_EQ(blamed("  Remote daemon:   [[22,0],1] on node node17", LineTags::kMpirun), "node17");
  EXPECT_EQ(blamed("  HNP daemon   :   [[22,0],0] on node node01", LineTags::kMpirun), "");
  EXPECT_EQ(blamed("ssh: connect to host node17 port 22: No route to host", LineTags::kMpirun),
            "node17");
  EXPECT_EQ(blamed("srun: error: node17: task 1: Killed", LineTags::kSrun), "node17");
}

TEST_F(RankOutputTest, KnowsTheHostThatAWatchdogSuspects) {
  RankOutput output = make("");
  output.take("[1,3]<stderr>:[rank 3] error: ranks 0-4: step 7, step, waits for gradient bucket 1");
  EXPECT_EQ(output.failed_host(), "");
  output.take("[1,3]<stderr>:[rank 3] error: suspect: rank 5 on node17: silent, so it is stopped");
  EXPECT_EQ(output.failed_host(), "node17");
}

}  // namespace
}  // namespace spc
