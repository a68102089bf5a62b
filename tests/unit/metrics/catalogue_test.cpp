#include "metrics/catalogue.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>
#include <string>

#include "metrics/catalogue_text.h"
#include "metrics/metrics.h"

namespace spc {
namespace {

using testing::ContainsRegex;
using testing::HasSubstr;

TEST(Catalogue, NamesFollowPrometheusRules) {
  std::set<std::string_view> names;
  for (const MetricInfo& info : kCatalogue) {
    EXPECT_TRUE(names.insert(info.name).second) << info.name << " is there twice";
    EXPECT_THAT(std::string(info.name), testing::MatchesRegex("(spcnet|process)(_[a-z0-9]+)+"));
    EXPECT_EQ(info.type == MetricType::kCounter, info.name.ends_with("_total")) << info.name;
    EXPECT_FALSE(info.help.empty()) << info.name;
    EXPECT_FALSE(info.unit.empty()) << info.name;
    const std::string name(info.name);
    EXPECT_TRUE(info.unit != "bytes" || name.find("_bytes") != std::string::npos) << name;
    EXPECT_TRUE(info.unit != "seconds" || name.find("_seconds") != std::string::npos) << name;
    EXPECT_EQ(info.unit == "0-1", name.ends_with("_ratio")) << name;
    EXPECT_LE(words_of(info.values).size(), 10) << info.name << ": too many series";
    EXPECT_TRUE(info.values.empty() || words_of(info.labels).size() == 1) << info.name;
  }
}

TEST(Catalogue, IsWrittenForPeopleAndScripts) {
  for (const MetricInfo& info : kCatalogue) {
    EXPECT_THAT(catalogue_as_text(), HasSubstr(std::string(info.name) + "  "));
    EXPECT_THAT(catalogue_as_json(), HasSubstr("\"name\": \"" + std::string(info.name) + "\""));
    EXPECT_THAT(catalogue_as_markdown(), HasSubstr("\n| `" + std::string(info.name) + "` | "));
  }
  EXPECT_THAT(catalogue_as_text(),
              HasSubstr("spcnet_ssl_temperature  gauge, 1, rank 0  {net: student, teacher}\n    "
                        "Softmax temperature\n"));
}

}  // namespace
}  // namespace spc
