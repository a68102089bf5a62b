#include "dist/device.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.h"
#include "dist/gpu_backend.h"
#include "dist/thread_communicator.h"

namespace spc {
namespace {

TEST(GpuOf, IsTheOneOfTheLocalRankOrTheOnlyOneThatItSees) {
  EXPECT_EQ(gpu_of({"a", 1, 2, {"x", "y"}}), 1);
  EXPECT_EQ(gpu_of({"a", 3, 4, {"x"}}), 0);
  EXPECT_EQ(gpu_of({"a", 2, 3, {"x", "y"}}), -1);
  EXPECT_EQ(gpu_of({"a", 0, 1, {}}), -1);
}

TEST(GpuProblem, IsNoneWhenEveryRankHasItsOwn) {
  EXPECT_EQ(gpu_problem({{"a", 0, 2, {"x", "y"}},
                         {"a", 1, 2, {"x", "y"}},
                         {"b", 0, 1, {"x"}},  // another machine may count alike
                         {"c", 0, 2, {"z"}},
                         {"c", 1, 2, {"w"}}}),
            "");
}

TEST(GpuProblem, MoreRanksThanGpus) {
  EXPECT_EQ(
      gpu_problem({{"a", 0, 3, {"x", "y"}}, {"a", 1, 3, {"x", "y"}}, {"a", 2, 3, {"x", "y"}}}),
      "host a has 3 ranks and 2 GPUs; a rank needs one of its own: start fewer ranks there, or "
      "set train.device cpu");
  EXPECT_THAT(gpu_problem({{"a", 0, 1, {}}}), testing::HasSubstr("1 ranks and 0 GPUs"));
}

TEST(GpuProblem, TwoRanksWithOneGpu) {
  EXPECT_THAT(gpu_problem({{"a", 0, 2, {"GPU-7"}}, {"a", 1, 2, {"GPU-7"}}}),
              testing::HasSubstr("ranks 0 and 1 on a would share one GPU (GPU-7), in which NCCL "
                                 "hangs; start fewer ranks there"));
}

// On a machine with GPUs the first expectation is all there is to say.
TEST(ChooseDevice, WithoutAGpuItIsTheCpuAndCudaIsRefused) {
  run_thread_ranks(2, [](Communicator& comm) {
    EXPECT_TRUE(choose_device("cpu", comm).is_cpu());
    if (!visible_gpus().empty()) return;
    EXPECT_TRUE(choose_device("auto", comm).is_cpu());
    try {
      (void)choose_device("cuda", comm);
      ADD_FAILURE();
    } catch (const Error& error) {
      EXPECT_THAT(error.what(),
                  testing::HasSubstr(built_with_cuda()
                                         ? "has 2 ranks and 0 GPUs"
                                         : "this spcnet was built without CUDA; build it with "
                                           "`cmake --preset cuda`"));
    }
  });
}

TEST(DeviceCommunicator, ForTheCpuIsOneMoreOfTheSameRanks) {
  run_thread_ranks(3, [](Communicator& comm) {
    const auto other = make_device_communicator(comm, c10::kCPU, 10);
    EXPECT_EQ(other->rank(), comm.rank());
    EXPECT_EQ(other->world_size(), 3);
    EXPECT_EQ(count_hosts(*other), 1);
  });
}

}  // namespace
}  // namespace spc
