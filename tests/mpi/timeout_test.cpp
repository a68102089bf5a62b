#include <ATen/ATen.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/clock.h"
#include "base/error.h"
#include "mpi/ranks.h"

namespace spc {
namespace {

using TimeoutMpi = MpiTest;

// The last rank does not come until the others have given up. Then it does, so that the operation
// ends and the job with it.
TEST_F(TimeoutMpi, AWaitForARankThatDoesNotComeIsAnErrorThatNamesRankAndOperation) {
  const std::unique_ptr<Communicator> impatient = mpi_session().world(0.5);
  const at::Tensor value = at::ones({1}, at::kLong);
  const bool late = world_ > 1 && rank_ == world_ - 1;
  std::unique_ptr<Work> work;
  std::string message;
  const Stopwatch waited;
  if (!late) {
    work = impatient->all_reduce(value, ReduceOp::kSum, "a late meeting");
    try {
      work->wait();
    } catch (const Error& error) {
      message = error.what();
    }
  }
  const double seconds = waited.seconds();
  comm_->barrier("the others have given up");
  if (late) work = impatient->all_reduce(value, ReduceOp::kSum, "a late meeting");
  work->wait();
  EXPECT_EQ(value.item<int64_t>(), world_) << "what was begun can still end";
  if (late || world_ == 1) {
    EXPECT_EQ(message, "");
  } else {
    EXPECT_EQ(message, concat("rank ", rank_,
                              " waited 0.5 s for the other ranks in a late meeting; one of them is "
                              "gone or stuck: see its last message. "
                              "The limit is dist.timeout_s, in a check 60 s at most"));
    EXPECT_EQ(impatient->waits()->longest()->what, "a late meeting")
        << "a report that is written later still says what was waited for";
    EXPECT_GE(seconds, 0.5);
    EXPECT_LT(seconds, 10);
  }
}

}  // namespace
}  // namespace spc
