#include "base/json_value.h"

#include <gmock/gmock.h>

#include <cmath>

#include "base/error.h"
#include "base/json.h"

namespace spc {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

TEST(JsonValue, ReadsWhatJsonObjectWrites) {
  const std::string text = JsonObject()
                               .set("name", "a \"b\"\n")
                               .set("number", 0.1)
                               .set("none", std::nan(""))
                               .raw("list", JsonArray().raw("1").raw("\"two\"").str())
                               .str();
  const JsonValue value = JsonValue::parse(text);
  EXPECT_THAT(value.keys(), ElementsAre("list", "name", "none", "number"));
  EXPECT_EQ(value["name"].text(), "a \"b\"\n");
  EXPECT_EQ(value["number"].number(), 0.1);
  EXPECT_TRUE(value["none"].is_null());
  EXPECT_TRUE(std::isnan(value["none"].number()));
  const std::vector<JsonValue> items = value["list"].items();
  ASSERT_EQ(items.size(), 2u);
  EXPECT_EQ(items[0].number(), 1);
  EXPECT_EQ(items[1].text(), "two");
}

TEST(JsonValue, WhatIsNotThereIsNullAllTheWay) {
  const JsonValue value = JsonValue::parse("{\"a\": 1}")["b"]["c"];
  EXPECT_TRUE(value.is_null());
  EXPECT_FALSE(value.is_number());
  EXPECT_THAT(value.items(), IsEmpty());
  EXPECT_THAT(value.keys(), IsEmpty());
  EXPECT_EQ(value.text("fallback"), "fallback");
}

TEST(JsonValue, OutlivesTheValueItIsOf) {
  JsonValue inner = JsonValue::parse("[[7]]").items().at(0).items().at(0);
  EXPECT_EQ(inner.number(), 7);
}

TEST(JsonValue, RefusesHalfALine) {
  EXPECT_THROW(JsonValue::parse("{\"step\": 1, \"lo"), Error);
  EXPECT_FALSE(JsonValue::try_parse("{\"step\": 1, \"lo"));
  EXPECT_EQ((*JsonValue::try_parse("{\"step\": 1}"))["step"].number(), 1);
}

}  // namespace
}  // namespace spc
