#include "base/loaded_libraries.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <cstdio>
#include <memory>
#include <string>

namespace spc {
namespace {

// Of this program, as readelf reads it from the file.
std::string build_id_by_readelf() {
  const std::unique_ptr<FILE, int (*)(FILE*)> pipe(
      popen("readelf -n /proc/$PPID/exe 2>/dev/null | sed -n 's/.*Build ID: //p'", "r"), pclose);
  std::array<char, 128> line{};
  if (pipe == nullptr || std::fgets(line.data(), line.size(), pipe.get()) == nullptr) return "";
  const std::string text = line.data();
  return text.substr(0, text.find('\n'));
}

TEST(LoadedLibraries, HaveTheBuildIdsOfTheirFiles) {
  const auto found = loaded_libraries();
  ASSERT_TRUE(found.contains("program"));
  EXPECT_EQ(found.at("program"), build_id_by_readelf());
  ASSERT_TRUE(found.contains("libc.so.6"));
  EXPECT_THAT(found.at("libc.so.6"), testing::MatchesRegex("[0-9a-f]{40}"));
}

}  // namespace
}  // namespace spc
