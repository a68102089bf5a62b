#include "report/run_log.h"

#include <gmock/gmock.h>

#include <algorithm>
#include <cmath>

#include "base/error.h"
#include "base/file.h"
#include "report/explain.h"
#include "report/report.h"
#include "report/run_axis.h"
#include "unit/temporary_folder.h"

namespace spc {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;
using testing::SizeIs;

// A line of train.jsonl after so many utterances at ten a second.
std::string line(int step, double loss, const std::string& more = "") {
  return concat("{\"step\": ", step, ", \"samples\": ", 10 * step, ", \"loss\": ", loss,
                ", \"samples_per_s\": 10", more, "}\n");
}

class RunLogTest : public testing::Test {
 protected:
  RunLog read(const std::string& lines) {
    write_text_atomically(folder_ / "run.json", "{\"version\": \"spcnet\"}\n");
    write_text_atomically(folder_ / "train.jsonl", lines);
    return read_run_log(folder_.path());
  }
  TemporaryFolder folder_;
};

TEST_F(RunLogTest, StepsThatWereUndoneCountOnce) {
  const RunLog log =
      read(line(5, 3) + line(10, 2) +
           "{\"event\": \"evaluation\", \"step\": 10, \"trials\": {}}\n" + line(15, 1) +
           "{\"event\": \"continued\", \"step\": 5}\n" + line(9, 4) + "{\"step\": 14, \"lo");
  ASSERT_THAT(log.stages, SizeIs(1));
  const StageLog& stage = log.stages[0];
  std::vector<int64_t> steps;
  for (const auto& [step, each] : stage.steps) steps.push_back(step);
  EXPECT_THAT(steps, ElementsAre(5, 9));
  EXPECT_THAT(stage.evaluations, SizeIs(0));
  EXPECT_EQ(stage.restarts, 1);
  EXPECT_EQ(stage.samples(), 90);
}

TEST_F(RunLogTest, StagesComeInTheirOrderAsFarAsTheyAreThere) {
  for (const char* name : {"stage-1", "round-1"}) {
    std::filesystem::create_directories(folder_ / name);
    write_text_atomically(folder_ / name / "train.jsonl", line(5, 3));
  }
  read("");
  write_text_atomically(folder_ / "run.json",
                        "{\"stages\": [\"stage-1\", \"round-1\", \"round-2\"]}\n");
  const RunLog log = read_run_log(folder_.path());
  ASSERT_THAT(log.stages, SizeIs(2));
  EXPECT_EQ(log.stages[0].name, "stage-1");
  EXPECT_EQ(log.stages[1].name, "round-1");
  EXPECT_THAT(make_report(log), HasSubstr("id=\"loss\""));
}

TEST_F(RunLogTest, AFolderWithoutARunIsRefused) {
  EXPECT_THROW(read_run_log(folder_ / "none"), Error);
}

TEST_F(RunLogTest, ARunWithoutAStepHasAPage) {
  const RunLog log = read("");
  EXPECT_THAT(make_report(log), HasSubstr("has not logged a step yet"));
}

struct TimeCase {
  const char* name;
  std::string figures;
  const char* remedy;
};

class Explain : public RunLogTest, public testing::WithParamInterface<TimeCase> {};

TEST_P(Explain, NamesWhatToChange) {
  std::string lines;
  for (int step = 1; step <= 20; ++step) lines += line(step, 1, GetParam().figures);
  const std::vector<std::string> sentences = explain(read(lines));
  ASSERT_THAT(sentences, SizeIs(2));
  EXPECT_THAT(sentences[0], HasSubstr("10.00 utterances a second"));
  EXPECT_THAT(sentences[1], HasSubstr(GetParam().remedy));
}

INSTANTIATE_TEST_SUITE_P(
    Table, Explain,
    testing::Values(
        TimeCase{"computation", ", \"data_wait\": 0.01, \"rank_wait\": 0.02",
                 "Nothing to win but computation"},
        TimeCase{"data", ", \"data_wait\": 0.4, \"rank_wait\": 0.02", "Raise loader.threads"},
        TimeCase{"network", ", \"data_wait\": 0, \"rank_wait\": 0.3", "dist.wire = bf16"},
        TimeCase{"straggler", ", \"rank_wait\": 0.3, \"slowest_rank\": 3, \"slowest_ratio\": 1.5",
                 "rank 3 took 1.50 times as long"},
        TimeCase{"even_ranks", ", \"rank_wait\": 0.3, \"slowest_rank\": 3, \"slowest_ratio\": 1.02",
                 "dist.wire = bf16"},
        TimeCase{"saving", ", \"save_wait\": 0.1", "raise checkpoint.every_steps"}),
    [](const auto& each) { return std::string(each.param.name); });

TEST_F(RunLogTest, ALongLogKeepsItsSpikesAndItsGaps) {
  std::string lines;
  for (int step = 1; step <= 20000; ++step)
    lines += step > 9000 && step < 9200
                 ? concat("{\"step\": ", step, ", \"samples\": ", 10 * step, ", \"loss\": null}\n")
                 : line(step, step == 12345 ? 60 : 5);
  const RunLog log = read(lines);
  const Points points = RunAxis(log).through("loss");
  EXPECT_LT(points.size(), 2000u);
  EXPECT_TRUE(std::any_of(points.begin(), points.end(), [](auto& p) { return p.second == 60; }));
  EXPECT_TRUE(std::any_of(points.begin(), points.end(), [](auto& p) {
    return p.first > 90000 && p.first < 92000 && std::isnan(p.second);
  }));
  EXPECT_EQ(RunAxis(log).means("loss").size(), RunAxis(log).means("data_wait").size());
}

TEST_F(RunLogTest, FilesThatAreDamagedAreNamed) {
  read(line(1, 1));
  write_text_atomically(folder_ / "run.json", "{\"stages\": [\"sta");
  EXPECT_THAT(message_of([&] { read_run_log(folder_.path()); }), HasSubstr("run.json: no JSON"));
}

TEST_F(RunLogTest, SizesOfClustersThatCannotBeReadAreLeftOut) {
  write_text_atomically(folder_ / "centroids.h5", "no HDF5");
  EXPECT_THAT(read(line(1, 1)).stages.at(0).cluster_sizes, SizeIs(0));
}

TEST_F(RunLogTest, EvaluationThatTakesLongIsNamed) {
  const std::vector<std::string> sentences =
      explain(read(line(10, 1) + "{\"event\": \"evaluation\", \"step\": 10, \"seconds\": 30}\n"));
  ASSERT_THAT(sentences, SizeIs(2));
  EXPECT_THAT(sentences[1], HasSubstr("75.0 % of the run goes into it"));
}

TEST_F(RunLogTest, ARankThatIsSlowNowAndThenIsNoStraggler) {
  std::string lines;
  for (int step = 1; step <= 20; ++step)
    lines += line(step, 1, concat(", \"slowest_rank\": ", step % 2, ", \"slowest_ratio\": 1.5"));
  EXPECT_THAT(explain(read(lines)).back(), Not(HasSubstr("Straggler")));
}

TEST_F(RunLogTest, TheSummaryTellsTimeSpeedAndTheBestErrorRate) {
  const auto evaluation = [](int step, double eer) {
    return concat("{\"event\": \"evaluation\", \"step\": ", step,
                  ", \"trials\": {\"O\": {\"eer\": ", eer, "}}}\n");
  };
  // 7200 s for 72000 utterances, then 14400 s for as many.
  const std::string html =
      make_report(read("{\"step\": 10, \"samples\": 72000, \"loss\": 2, \"samples_per_s\": 10}\n" +
                       evaluation(10, 0.125) +
                       "{\"step\": 20, \"samples\": 144000, \"loss\": 1, \"samples_per_s\": 5}\n" +
                       evaluation(20, 0.25)));
  for (const char* cell : {"6.00", "6.7", "25.00", "12.50, 10"})
    EXPECT_THAT(html, HasSubstr(concat(">", cell, "</td>")));
}

TEST_F(RunLogTest, TheSlowestRankIsShownWhereRanksWereCompared) {
  const std::string once = line(1, 1) + line(2, 1, ", \"slowest_rank\": 1, \"slowest_ratio\": 1.5");
  EXPECT_THAT(make_report(read(once)), HasSubstr("<figure id=\"slowest\">"));
  EXPECT_THAT(make_report(read(line(1, 1) + line(2, 1))), Not(HasSubstr("id=\"slowest\"")));
}

}  // namespace
}  // namespace spc
