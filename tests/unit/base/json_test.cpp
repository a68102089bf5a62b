#include "base/json.h"

#include <gtest/gtest.h>

#include <cmath>
#include <string>

namespace spc {
namespace {

TEST(Json, EscapesWhatAStringMayNotHold) {
  EXPECT_EQ(json_string("plain"), "\"plain\"");
  EXPECT_EQ(json_string(R"(a"b\c)"), R"("a\"b\\c")");
  EXPECT_EQ(json_string("line\nend\ttab\r"), R"("line\u000aend\u0009tab\u000d")");
  EXPECT_EQ(json_string(std::string_view("\0\x1f", 2)), R"("\u0000\u001f")");
  EXPECT_EQ(json_string("\x7f/\xc3\xa9"), "\"\x7f/\xc3\xa9\"");  // UTF-8 stays as it is
}

TEST(Json, NumbersReadBackAndNonFiniteOnesAreNull) {
  EXPECT_EQ(json_number(0.04), "0.04");
  EXPECT_EQ(json_number(-1), "-1");
  EXPECT_EQ(json_number(std::nan("")), "null");
  EXPECT_EQ(json_number(INFINITY), "null");
  EXPECT_EQ(json_number(-INFINITY), "null");
}

TEST(Json, ObjectsKeepTheOrderAndTheTypes) {
  JsonObject object;
  object.set("s", "text")
      .set("b", true)
      .set("i", int64_t{1} << 40)
      .set("u", 7u)
      .set("d", 0.5)
      .set("n", NAN);
  object.set("v", std::string_view("view"))
      .raw("a", JsonArray().raw("1").raw("[]").str())
      .set("k\"", false);
  EXPECT_EQ(
      object.str(),
      R"({"s": "text", "b": true, "i": 1099511627776, "u": 7, "d": 0.5, "n": null, "v": "view", "a": [1, []], "k\"": false})");
  EXPECT_EQ(JsonObject().str(), "{}");
  EXPECT_EQ(JsonArray().str(), "[]");
}

}  // namespace
}  // namespace spc
