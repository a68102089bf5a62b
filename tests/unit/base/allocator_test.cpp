#include "base/allocator.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace {

std::vector<std::string>& asked() {
  static std::vector<std::string> names;
  return names;
}

}  // namespace

// In the place of jemalloc's, to which this program is not linked.
extern "C" int mallctl(const char* name, void* /*old_value*/, size_t* /*old_size*/,
                       void* /*new_value*/, size_t /*new_size*/) {
  asked().emplace_back(name);
  return 0;
}

namespace spc {
namespace {

TEST(Allocator, IsAskedForThePagesOfAllItsArenas) {
  give_free_pages_back();
  EXPECT_THAT(asked(), testing::ElementsAre("thread.tcache.flush", "arena.4096.purge"));
}

}  // namespace
}  // namespace spc
