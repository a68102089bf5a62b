#include "plot/chart.h"

#include <gmock/gmock.h>

#include <cmath>

#include "plot/page.h"
#include "plot/scale.h"

namespace spc {
namespace {

using testing::DoubleNear;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;
using testing::Pair;

size_t count(const std::string& text, const std::string& part) {
  size_t found = 0;
  for (size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) ++found;
  return found;
}

TEST(Ticks, AreRoundNumbersInsideTheRange) {
  EXPECT_THAT(ticks(0, 10, 5), ElementsAre(0, 2, 4, 6, 8, 10));
  EXPECT_THAT(ticks(-0.12, 0.11, 5), ElementsAre(-0.1, -0.05, 0, 0.05, 0.1));
  EXPECT_THAT(ticks(98765, 123456, 3), ElementsAre(100000, 110000, 120000));
  EXPECT_THAT(ticks(1, 1, 5), ElementsAre());
  for (const double high : {1e-7, 0.3, 17.0, 6e9}) {
    const std::vector<double> places = ticks(0, high, 6);
    EXPECT_LE(places.size(), 7u) << high;
    EXPECT_GE(places.size(), 3u) << high;
  }
}

TEST(LogTicks, AreOneTwoAndFiveOfEachDecadeOrDecadesAlone) {
  EXPECT_THAT(log_ticks(0, std::log10(50), 9), ElementsAre(0, std::log10(2), std::log10(5), 1,
                                                           1 + std::log10(2), 1 + std::log10(5)));
  EXPECT_THAT(log_ticks(-2, 3, 9), ElementsAre(-2, -1, 0, 1, 2, 3));
}

TEST(HistogramBars, AreOfRoundWidthAndHoldEveryValue) {
  const std::vector<float> values{0.3F, 0.35F, 1.2F, 2.0F, std::nanf("")};
  EXPECT_THAT(histogram(values, 4),
              ElementsAre(Pair(0.25, 2), Pair(0.75, 0), Pair(1.25, 1), Pair(1.75, 1)))
      << "the highest value stands on the last edge";
  EXPECT_THAT(histogram(std::vector<float>{0.5F, 0.6F, 0.7F, 0.8F}, 4),
              ElementsAre(Pair(DoubleNear(0.55, 1e-9), 1), Pair(DoubleNear(0.65, 1e-9), 1),
                          Pair(DoubleNear(0.75, 1e-9), 2)))
      << "a value on an edge counts above it, though 0.7F / 0.1 is less than 7";
}

TEST(HistogramBars, OfOneValueCanBeDrawn) {
  EXPECT_THAT(histogram(std::vector<float>{7, 7}, 5, 1),
              ElementsAre(Pair(5, 0), Pair(7, 2), Pair(9, 0)));
  EXPECT_THAT(histogram(std::vector<float>{0, 0}, 5, 1), ElementsAre(Pair(0.5, 2), Pair(1.5, 0)))
      << "nothing below zero";
  EXPECT_THAT(histogram({}, 5), ElementsAre());
  const Points bars = histogram(std::vector<float>{1, 2, 3, 40}, 100, 1);
  EXPECT_EQ(bars[1].first - bars[0].first, 1) << "not less than asked for";
}

TEST(HistogramBars, OfCountsStandOnTheirNumbers) {
  EXPECT_THAT(histogram_of_counts(std::vector<int64_t>{1, 3, 3, 4}, 10),
              ElementsAre(Pair(1, 1), Pair(2, 0), Pair(3, 2), Pair(4, 1)));
  EXPECT_THAT(histogram_of_counts(std::vector<int64_t>{0, 1, 6, 7}, 4),
              ElementsAre(Pair(0.5, 2), Pair(2.5, 0), Pair(4.5, 0), Pair(6.5, 2)));
}

TEST(ShortNumber, HasFewDigits) {
  EXPECT_EQ(short_number(0), "0");
  EXPECT_EQ(short_number(0.0002), "0.0002");
  EXPECT_EQ(short_number(5000), "5000");
  EXPECT_EQ(short_number(17216), "17.22k");
  EXPECT_EQ(short_number(1092009), "1.092M");
  EXPECT_EQ(short_number(-20000), "-20k");
}

TEST(Probit, IsTheNormalQuantile) {  // scipy.stats.norm.ppf
  EXPECT_NEAR(probit(0.5), 0, 1e-12);
  EXPECT_NEAR(probit(0.975), 1.959963984540054, 1e-9);
  EXPECT_NEAR(probit(0.001), -3.090232306167813, 1e-9);
}

TEST(Lines, ThatAreInterruptedBeginAnew) {
  const std::string svg =
      draw_lines({"x", "y", {{"a", {{0, 1}, {1, 2}, {2, std::nan("")}, {3, 1}, {4, 2}}}}, {}});
  const size_t begin = svg.find(" d=\"");
  const std::string path = svg.substr(begin, svg.find('"', begin + 4) - begin);
  EXPECT_EQ(count(path, "M"), 2u);
  EXPECT_EQ(count(path, "L"), 2u);
  EXPECT_THAT(svg, Not(HasSubstr("nan")));
}

TEST(Lines, SeriesWithoutAPointAreLeftOut) {
  const std::string svg = draw_lines(
      {"x",
       "y",
       {{"there", {{0, 1}, {1, 2}}}, {"also", {{0, 2}, {1, 1}}}, {"absent", {{0, std::nan("")}}}},
       {}});
  EXPECT_THAT(svg, HasSubstr("also"));
  EXPECT_THAT(svg, Not(HasSubstr("absent")));
  EXPECT_THAT(draw_lines({"x", "y", {{"absent", {}}}, {}}), HasSubstr("nothing to show yet"));
}

TEST(Lines, OfOnePointOrOneValueHaveARange) {
  for (const Points& points : {Points{{5, 3}}, Points{{1, 3}, {2, 3}}}) {
    const std::string svg = draw_lines({"x", "y", {{"a", points}}, {}});
    EXPECT_THAT(svg, HasSubstr("<svg"));
    EXPECT_THAT(svg, Not(HasSubstr("nan")));
    EXPECT_THAT(svg, Not(HasSubstr("inf")));
  }
}

TEST(Stacked, AreasLieOnEachOther) {
  const std::string svg =
      draw_stacked({"x", "y", {{"low", {{0, 40}, {1, 40}}}, {"high", {{0, 60}, {1, 60}}}}, {}});
  EXPECT_EQ(count(svg, "class=\"area"), 2u);
  EXPECT_THAT(svg, HasSubstr(">100</text>"));  // the top of the axis is their sum
}

TEST(Stacked, WithoutAPointSaysSo) {
  EXPECT_THAT(draw_stacked({"x", "y", {{"low", {{0, std::nan("")}}}}, {}}),
              HasSubstr("nothing to show yet"));
  EXPECT_THAT(draw_lines({"x", "y", {{"low", {{0, std::nan("")}}}}, {}, true}),
              HasSubstr("nothing to show yet"));
}

TEST(Histogram, HasABarForEachCountAndAMark) {
  const std::string svg =
      draw_histogram({"x", "y", {{"n", {{0.5, 3}, {1.5, 0}, {2.5, 7}}}}, {{1.25, "threshold"}}});
  EXPECT_EQ(count(svg, "class=\"bar"), 3u);
  EXPECT_THAT(svg, HasSubstr("threshold"));
}

TEST(Histogram, OfLogarithmsTellsTheNumbers) {
  const std::string svg =
      draw_histogram({"x", "y", {{"n", {{0.25, 3}, {0.75, 0}, {1.25, 7}}}}, {}, true, true});
  EXPECT_THAT(svg, HasSubstr(">10</text>"));
  EXPECT_THAT(svg, HasSubstr(">20</text>"));
}

TEST(Lines, HaveABandBehindThem) {
  const Points low{{0, -5}, {1, -5}};
  const Points high{{0, 5}, {1, 5}};
  const std::string svg =
      draw_lines({"x", "y", {{"mean", {{0, 0}, {1, 0}}}}, {}, false, false, {{low, high, 3}}});
  EXPECT_EQ(count(svg, "class=\"area band c3\""), 1u);
  EXPECT_THAT(svg, HasSubstr(">-4</text>")) << "the axis holds the band";
  EXPECT_LT(svg.find("band"), svg.find("class=\"line")) << "the line is drawn over it";
}

TEST(Det, HasPercentOnItsAxes) {
  const std::string svg = draw_det({{"a", {{0.01, 0.4}, {0.1, 0.1}, {0.4, 0.01}}, 0}});
  EXPECT_THAT(svg, HasSubstr(">10</text>"));
  EXPECT_THAT(svg, HasSubstr("false accepts, percent"));
  EXPECT_EQ(svg, draw_det({{"a", {{0.001, 0.9}, {0.01, 0.4}, {0.1, 0.1}, {0.4, 0.01}}, 0}}))
      << "more than 60 percent are not shown";
}

TEST(Page, EscapesWhatUsersName) {
  Page page("run <a> & \"b\"");
  page.table({{"name", "number"}, {"<script>", "12"}, {"x", ""}});
  page.figure("f", "t", "c", "<svg></svg>");
  page.figure("g", "t", "c", "<svg></svg>");
  page.heading("next");
  const std::string html = page.html();
  EXPECT_THAT(html, HasSubstr("<title>run &lt;a&gt; &amp; &quot;b&quot;</title>"));
  EXPECT_THAT(html, Not(HasSubstr("<script>")));
  EXPECT_THAT(html, HasSubstr("<td class=\"right\">12</td>"));
  EXPECT_EQ(count(html, "<div class=\"figures\">"), 1u);
  EXPECT_EQ(count(html, "<div"), count(html, "</div>"));
}

TEST(Page, HoldsNoControlCharacters) {
  EXPECT_EQ(escape("a\x01"
                   "b\tc"),
            "a&#xFFFD;b\tc");
}

TEST(Page, TellsTheFactsFirst) {
  Page page("t");
  page.facts({{"hours", "1.5"}, {"a<b", "0"}});
  EXPECT_THAT(page.html(), HasSubstr("<div><dt>hours</dt><dd>1.5</dd></div>"));
  EXPECT_THAT(page.html(), HasSubstr("<dt>a&lt;b</dt>"));
}

}  // namespace
}  // namespace spc
