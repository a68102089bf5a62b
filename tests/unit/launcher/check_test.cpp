#include "launcher/check.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.h"

namespace spc {
namespace {

using testing::ElementsAre;

LaunchOptions options_for(std::vector<std::string> command) {
  LaunchOptions options;
  options.command = std::move(command);
  return options;
}

TEST(ReachCommand, IsAnSshThatNeverAsksForAPassword) {
  EXPECT_EQ(
      shell_line(reach_command(options_for({"/opt/spc net/spcnet", "train"}), {}, "b")),
      R"(ssh -o BatchMode=yes -o ConnectTimeout=10 b ''\''/opt/spc net/spcnet'\'' --version')");
}

TEST(ReachCommand, TakesTheRemoteShellOfMpirun) {
  LaunchOptions options = options_for({"/bin/spcnet", "train"});
  Surroundings around;
  around.environment["OMPI_MCA_plm_rsh_agent"] = "rsh";
  EXPECT_THAT(reach_command(options, around, "b"),
              ElementsAre("rsh", "b", "/bin/spcnet --version"));
  options.via_args = {"--mca", "plm_rsh_agent", "/usr/bin/ssh -i key"};
  EXPECT_THAT(reach_command(options, around, "b"),
              ElementsAre("/usr/bin/ssh", "-i", "key", "-o", "BatchMode=yes", "-o",
                          "ConnectTimeout=10", "b", "/bin/spcnet --version"));
}

TEST(PreflightCommand, HasTheArgumentsOfTheTraining) {
  EXPECT_THAT(preflight_command({"/bin/spcnet", "train", "--run", "train"}),
              ElementsAre("/bin/spcnet", "preflight", "--run", "train"));
  EXPECT_THROW(preflight_command({"spcnet", "extract"}), UsageError);
  EXPECT_THROW(preflight_command({"train"}), UsageError);
}

}  // namespace
}  // namespace spc
