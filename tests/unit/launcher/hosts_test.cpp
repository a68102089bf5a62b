#include "launcher/hosts.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "unit/temporary_folder.h"

namespace spc {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

TEST(Hosts, OfACommandLine) {
  EXPECT_THAT(parse_hosts("a:4,b,10.0.0.3:12", 2),
              ElementsAre(Host{"a", 4}, Host{"b", 2}, Host{"10.0.0.3", 12}));
  EXPECT_EQ(total_slots(parse_hosts("a:4,b,c:12", 2)), 18);
}

TEST(Hosts, MistakesAreNamed) {
  const auto message = [](const std::string& text) {
    return message_of([&] { (void)parse_hosts(text, 1); });
  };
  EXPECT_THAT(message("a:x"), HasSubstr("'x' is no number of slots"));
  EXPECT_THAT(message("a:0"), HasSubstr("'0' is no number of slots; give one of at least 1"));
  EXPECT_THAT(message("a:2x"), HasSubstr("'2x'"));
  EXPECT_THAT(message("a,,b"), HasSubstr("a host without a name"));
  EXPECT_THAT(message("a,"), HasSubstr("a host without a name"));
  EXPECT_THAT(message("a:1,b:1,a:3"), HasSubstr("host a is named twice"));
}

TEST(Hosts, OfAFile) {
  const TemporaryFolder folder;
  const std::string path = folder.file(
      "hosts", "# the fast ones\nnode1 slots=4\n\n node2\tslots=8  # with 8 GPUs\nnode3\n");
  EXPECT_THAT(read_hostfile(path, 2),
              ElementsAre(Host{"node1", 4}, Host{"node2", 8}, Host{"node3", 2}));
}

TEST(Hosts, MistakesInAFileAreNamedWithTheirLine) {
  const TemporaryFolder folder;
  const auto message = [&](const std::string& text) {
    const std::string path = folder.file("hosts", text);
    return message_of([&] { (void)read_hostfile(path, 1); });
  };
  EXPECT_THAT(message("a slots=4\nb max_slots=4\n"),
              HasSubstr("hosts: line 2: 'max_slots=4' is not"));
  EXPECT_THAT(message("a slots=four\n"), HasSubstr("hosts: line 1: 'four' is no number"));
  EXPECT_THAT(message("a\na\n"), HasSubstr("hosts: line 2: host a is named twice"));
  EXPECT_THAT(message("# none\n"), HasSubstr("hosts names no host"));
  EXPECT_THAT(message_of([&] { (void)read_hostfile(folder.path() / "none", 1); }),
              HasSubstr("none: No such file"));
}

}  // namespace
}  // namespace spc
