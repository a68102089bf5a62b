#include "data/audit_page.h"

#include <gmock/gmock.h>

#include "unit/data/audit_folder.h"

namespace spc {
namespace {

using testing::HasSubstr;
using testing::Not;

/// The figure of this id, from its title to its end.
std::string figure(const std::string& html, const std::string& id) {
  const size_t begin = html.find("<figure id=\"" + id + "\">");
  if (begin == std::string::npos) return "";
  return html.substr(begin, html.find("</figure>", begin) - begin);
}

std::vector<float> feats(int seed, size_t frames = 20) {
  std::vector<float> levels(frames);
  for (size_t i = 0; i < frames; ++i)
    levels[i] = static_cast<float>(seed) + 0.1F * static_cast<float>(i);
  return AuditFolder::frames(levels);
}

TEST(AuditPage, NamesEveryFinding) {
  AuditFolder folder;
  folder.add("s/v/first", "s", feats(1), {-1, -20, 0, 16000});
  folder.add("s/v/second", "s", feats(1), {-1, -21, 0, 16000});
  folder.add("s/v/cut", "s", feats(2), {0, -3, 0.5F, 16000});
  folder.add("s/v/zeros", "s", AuditFolder::frames({-15.94F, -15.94F}), {-120, -120, 0, 16000});
  const std::string html = audit_page(folder.verify({"s/v/lost: no audio: why"}), "shards");
  EXPECT_THAT(figure(html, "duplicates"), HasSubstr("<td>s/v/first = s/v/second</td>"));
  EXPECT_THAT(figure(html, "clipped"), HasSubstr("<td>s/v/cut</td><td class=\"right\">50.00</td>"));
  EXPECT_THAT(figure(html, "soundless"), HasSubstr("s/v/zeros"));
  EXPECT_THAT(figure(html, "silent"), HasSubstr("s/v/zeros"));
  EXPECT_THAT(figure(html, "quietest"), Not(HasSubstr("s/v/zeros")));
  EXPECT_THAT(figure(html, "left-out"), HasSubstr("<td>s/v/lost</td><td>no audio: why</td>"));
  for (const char* id :
       {"duration", "silence", "level", "peak", "clipping", "bins", "speakers", "sessions"})
    EXPECT_THAT(figure(html, id), HasSubstr("<svg")) << id;
  EXPECT_THAT(html, Not(HasSubstr("id=\"problems\"")));
}

TEST(AuditPage, OfShardsWithoutLevelsSaysSo) {
  AuditFolder folder;
  folder.add("u", "", feats(1));
  const std::string html = audit_page(folder.verify(), "shards");
  EXPECT_THAT(figure(html, "level"), HasSubstr("packed without measuring it"));
  for (const char* id : {"peak", "clipping", "loudest", "clipped", "speakers", "sessions"})
    EXPECT_EQ(figure(html, id), "") << id;
}

TEST(AuditPage, EscapesNames) {
  AuditFolder folder;
  folder.add("<b>&\"u\"", "", feats(1));
  const std::string html = audit_page(folder.verify({"<i>: <why>"}), "a<b>");
  EXPECT_THAT(figure(html, "longest"), HasSubstr("&lt;b&gt;&amp;&quot;u&quot;"));
  EXPECT_THAT(figure(html, "left-out"), HasSubstr("<td>&lt;i&gt;</td><td>&lt;why&gt;</td>"));
  EXPECT_THAT(html, HasSubstr("<title>spcnet shards a&lt;b&gt;</title>"));
}

TEST(AuditPage, CutsLongTablesAndSaysSo) {
  AuditFolder folder;
  std::vector<std::string> bad;
  for (int i = 0; i < 25; ++i) {
    folder.add(concat("u", i), "", feats(i));
    bad.push_back(concat("bad", i, ": no audio"));
  }
  VerifyReport report = folder.verify(bad);
  report.problems = bad;
  const std::string html = audit_page(report, "shards");
  for (const char* id : {"longest", "left-out", "problems"})
    EXPECT_THAT(figure(html, id), HasSubstr("The first 20 of 25.")) << id;
  EXPECT_THAT(html, HasSubstr("bad19"));
  EXPECT_THAT(html, Not(HasSubstr("bad20")));
}

TEST(AuditPage, HasALogarithmicAxisWhereOneUtteranceIsMuchLonger) {
  AuditFolder folder;
  for (int i = 0; i < 10; ++i) folder.add(concat("u", i), "", feats(i));
  EXPECT_THAT(figure(audit_page(folder.verify(), "s"), "duration"), Not(HasSubstr("logarithmic")));
  AuditFolder wide;
  wide.add("short", "", feats(1, 10));
  wide.add("long", "", feats(1, 5000));
  const std::string html = audit_page(wide.verify(), "s");
  EXPECT_THAT(figure(html, "duration"), HasSubstr("logarithmic"));
  EXPECT_THAT(figure(html, "duration"), HasSubstr(">10</text>")) << "seconds, not their logarithm";
}

TEST(AuditPage, OfNothingIsAPageAllTheSame) {
  AuditFolder folder;
  const std::string html = audit_page(folder.verify({"u: no audio"}), "shards");
  EXPECT_THAT(html, HasSubstr("no audio"));
  EXPECT_THAT(html, Not(HasSubstr("id=\"duration\"")));
}

}  // namespace
}  // namespace spc
