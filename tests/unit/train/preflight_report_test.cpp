#include "train/preflight_report.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace spc {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr AllReduceFigures kReduced{4 << 20, 0.002};

RankFigures figures(const std::string& host, double gemm = 100e9, double link = 5e9,
                    double read = 800e6) {
  RankFigures rank;
  rank.host = host;
  rank.gemm_flops = gemm;
  rank.link_bytes = link;
  rank.read_bytes = read;
  return rank;
}

TEST(PreflightReport, IsATableWithARowForEachRank) {
  RankFigures ahead = figures("node2");
  ahead.clock_s = 0.0123;
  ahead.threads = 8;
  const PreflightReport report = report_on({figures("node1"), ahead}, kReduced);
  EXPECT_THAT(
      report.table,
      ElementsAre("rank  host              threads  clock ms  GEMM GFLOP/s  link MB/s  shards MB/s",
                  "   0  node1                   1       0.0           100       5000          800",
                  "   1  node2                   8      12.3           100       5000          800",
                  // 2 (N - 1) / N times the bytes in the time
                  "all-reduce of 4 MiB: 2 ms, bus bandwidth 2097 MB/s"));
  EXPECT_THAT(report.warnings, IsEmpty());
  EXPECT_THAT(report.errors, IsEmpty());
}

TEST(PreflightReport, ARankThatIsAloneHasNoLink) {
  EXPECT_THAT(report_on({figures("a", 100e9, 0)}, {}).table,
              ElementsAre(HasSubstr("threads"), HasSubstr("  -  ")));
}

TEST(PreflightReport, NamesSlowRanks) {
  const std::vector<RankFigures> ranks{figures("a"), figures("b", 66e9), figures("c", 67e9),
                                       figures("d", 100e9, 5e9, 80e6)};
  EXPECT_THAT(report_on(ranks, kReduced).warnings,
              ElementsAre("rank 1 on b computes 66 GFLOP/s, the others 100",
                          "rank 3 on d reads shards with 80 MB/s, the others 800"));
  EXPECT_THAT(report_on(ranks, kReduced).errors, IsEmpty()) << "the run would work";
  EXPECT_THAT(report_on({figures("a", 50e9), figures("b")}, kReduced).warnings,
              ElementsAre("rank 0 on a computes 50 GFLOP/s, the others 100"))
      << "of two, the other one";
}

TEST(PreflightReport, ComparesLinksWithTheirLike) {
  // Ranks 0 and 2 receive from another host.
  std::vector<RankFigures> ranks{figures("a", 100e9, 1e9), figures("a"), figures("b", 100e9, 1e9),
                                 figures("b")};
  EXPECT_THAT(report_on(ranks, kReduced).warnings, IsEmpty());
  ranks[2].link_bytes = 0.1e9;
  ranks[3].link_bytes = 2e9;
  EXPECT_THAT(
      report_on(ranks, kReduced).warnings,
      ElementsAre("rank 2 on b receives from the rank before it 100 MB/s, the others 1000",
                  "rank 3 on b receives from the rank before it 2000 MB/s, the others 5000"));
}

TEST(PreflightReport, OddRanksAreErrors) {
  std::vector<RankFigures> ranks{figures("a"), figures("b"), figures("c")};
  ranks[1].problems = {"data: none"};
  ranks[2].clock_s = -61.04;
  EXPECT_THAT(report_on(ranks, kReduced).errors,
              ElementsAre("rank 1 on b: data: none",
                          "rank 2 on c: its clock is 61.0 s behind rank 0's; set the clocks, e.g. "
                          "with chrony"));
  ranks[2].clock_s = 1.5;
  EXPECT_THAT(report_on(ranks, kReduced).errors[1], HasSubstr("1.5 s ahead of rank 0's"));
}

TEST(IdentityDifferences, NameTheKeyAndBothValues) {
  EXPECT_THAT(identity_differences("a = 1\nb = 2\n", "a = 1\nb = 2\n"), IsEmpty());
  EXPECT_THAT(identity_differences("a = 1\nb = x = 2\n", "a = 1\nb = 3\nc = \n"),
              ElementsAre("b: x = 2, on rank 0 3", "c: absent, on rank 0 "));
}

TEST(IdentityDifferences, AreCutWhenThereAreMany) {
  EXPECT_THAT(identity_differences("a = 1\nb = 1\nc = 1\n", "a = 2\nb = 2\nc = 2\n", 1),
              ElementsAre("a: 1, on rank 0 2", "and 2 more differences"));
}

}  // namespace
}  // namespace spc
