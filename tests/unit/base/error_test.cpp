#include "base/error.h"

#include <gtest/gtest.h>

#include <string>

#include "unit/temporary_folder.h"

namespace spc {
namespace {

TEST(Error, TheMessageTellsTheStepsFromTheOutside) {
  const std::string message = message_of([] {
    with_context("training",
                 [] { with_context("shard 3", [] { SPC_CHECK(1 > 2, "frame ", 7, " is bad"); }); });
  });
  EXPECT_EQ(message, "training: shard 3: frame 7 is bad");
}

TEST(Error, ContextKeepsUsageErrorsAndTurnsForeignOnesIntoOurs) {
  EXPECT_THROW(with_context("config", [] { SPC_USAGE_CHECK(false, "no"); }), UsageError);
  EXPECT_EQ(message_of([] { with_context("list", [] { throw std::out_of_range("row"); }); }),
            "list: row");
}

TEST(Error, ContextReturnsWhatTheBodyReturns) {
  int value = 1;
  int& same = with_context("x", [&]() -> int& { return value; });
  EXPECT_EQ(&same, &value);
}

TEST(Error, AnAssertionSaysWhere) {
  const std::string message = message_of([] { SPC_ASSERT(false, "count ", 3); });
  EXPECT_NE(message.find("error_test.cpp:"), std::string::npos);
  EXPECT_NE(message.find("internal error: count 3"), std::string::npos);
}

}  // namespace
}  // namespace spc
