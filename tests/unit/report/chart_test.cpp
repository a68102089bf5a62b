#include "report/chart.h"

#include <gmock/gmock.h>

#include <cmath>

#include "report/page.h"
#include "report/scale.h"

namespace spc {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

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

}  // namespace
}  // namespace spc
