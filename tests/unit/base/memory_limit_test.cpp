#include "base/memory_limit.h"

#include <gtest/gtest.h>

#include <limits>
#include <string>

#include "base/file.h"
#include "base/process.h"
#include "unit/temporary_folder.h"

namespace spc {
namespace {

class MemoryLimit : public testing::Test {
 protected:
  void write(const std::filesystem::path& name, const std::string& text) const {
    std::filesystem::create_directories((root_.path() / name).parent_path());
    write_text_atomically(root_.path() / name, text);
  }
  [[nodiscard]] std::optional<int64_t> limit() const {
    return control_group_memory_limit(root_.path());
  }

  TemporaryFolder root_;
};

TEST_F(MemoryLimit, OfVersion2IsTheLeastOfTheGroupAndThoseAroundIt) {
  write("proc/self/cgroup", "0::/slurm/job_7/step_0\n");
  write("sys/fs/cgroup/slurm/job_7/step_0/memory.max", "max\n");
  EXPECT_FALSE(limit());
  write("sys/fs/cgroup/slurm/memory.max", "9000000000\n");
  write("sys/fs/cgroup/slurm/job_7/memory.max", "3000000000\n");
  EXPECT_EQ(limit(), 3000000000);
  write("sys/fs/cgroup/slurm/job_7/step_0/memory.max", "2000000000\n");
  EXPECT_EQ(limit(), 2000000000);
  write("sys/fs/cgroup/other/memory.max", "1000\n");
  EXPECT_EQ(limit(), 2000000000) << "a group that this process is not in";
}

TEST_F(MemoryLimit, OfVersion1IsThatOfTheMemoryController) {
  write("proc/self/cgroup",
        "12:cpu,cpuacct:/small\n7:hugetlb,memory:/docker/f00\n1:name=systemd:/x\n0::/x\n");
  write("sys/fs/cgroup/memory/small/memory.limit_in_bytes", "1000\n");
  write("sys/fs/cgroup/memory/memory.limit_in_bytes",
        std::to_string(std::numeric_limits<int64_t>::max() / 4096 * 4096) + "\n");
  write("sys/fs/cgroup/memory/docker/f00/memory.limit_in_bytes", "4294967296\n");
  EXPECT_EQ(limit(), 4294967296);
}

TEST_F(MemoryLimit, OfAContainerIsThatOfTheMount) {
  write("proc/self/cgroup", "0::/../../not/seen/from/inside\n");
  write("sys/fs/cgroup/memory.max", "5000000000\n");
  EXPECT_EQ(limit(), 5000000000);
}

TEST_F(MemoryLimit, IsNoneWithoutControlGroups) {
  EXPECT_FALSE(limit());
  write("proc/self/cgroup", "nonsense\n0::/\n");
  write("sys/fs/cgroup/memory.max", "none of it\n");
  EXPECT_FALSE(limit());
}

TEST(MachineMemory, IsNoMoreThanTheControlGroupsAllow) {
  const std::optional<int64_t> limit = control_group_memory_limit();
  EXPECT_GT(machine_memory_bytes(), 0);
  EXPECT_LE(machine_memory_bytes(), limit.value_or(machine_memory_bytes()));
}

}  // namespace
}  // namespace spc
