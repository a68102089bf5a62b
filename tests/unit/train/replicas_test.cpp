#include "train/replicas.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <atomic>

#include "base/error.h"
#include "dist/thread_communicator.h"
#include "unit/temporary_folder.h"

namespace spc {
namespace {

TensorTable table() {
  return {{"student.fc.weight", at::arange(6, at::kFloat).view({2, 3}).t()},
          {"student.bn.running_mean", at::arange(3, at::kDouble)},
          {"center", at::arange(5, at::kFloat)},
          {"optimizer.fc.weight.step", at::zeros({1}, at::kLong)}};
}

// The message that every one of so many ranks gets; `spoil` changes the table of a rank.
template <class Spoil>
std::string compared(int ranks, Spoil spoil) {
  std::string said;
  std::atomic<int> heard = 0;
  run_thread_ranks(ranks, [&](Communicator& comm) {
    TensorTable own = table();
    spoil(comm.rank(), own);
    const std::string message = message_of([&] { compare_replicas(comm, own); });
    ++heard;
    if (comm.rank() == 0) said = message;
  });
  EXPECT_EQ(heard, ranks) << "all or none";
  return said;
}

constexpr const char* kAdvice =
    " tensors differ. A faulty memory or processor, another build or another kind of machine makes "
    "them so";

TEST(Replicas, ThatAreEqualPass) {
  for (const int ranks : {1, 2, 5})
    run_thread_ranks(ranks, [](Communicator& comm) { compare_replicas(comm, table()); });
}

TEST(Replicas, OneBitInOneTensorIsFoundAndNamed) {
  for (int odd = 0; odd < 3; ++odd) {
    const std::string message = compared(3, [odd](int rank, TensorTable& own) {
      if (rank == odd) own[1].tensor[2] = std::nextafter(2.0, 3.0);
    });
    EXPECT_EQ(message,
              concat("rank ", odd, " holds another student.bn.running_mean than the others; 1 of 4",
                     kAdvice));
  }
}

TEST(Replicas, MinusZeroIsAnotherBit) {
  EXPECT_NE(compared(3,
                     [](int rank, TensorTable& own) {
                       if (rank == 1) own[2].tensor[0] = -0.0;
                     }),
            "");
}

TEST(Replicas, SeveralOddRanksAndTensors) {
  EXPECT_EQ(compared(5,
                     [](int rank, TensorTable& own) {
                       if (rank == 1) own[2].tensor.add_(1);
                       if (rank == 3) own[2].tensor.add_(2);
                       if (rank == 4) own[3].tensor.add_(1);
                     }),
            concat("ranks 1, 3 hold another center than the others; 2 of 4", kAdvice));
}

TEST(Replicas, WithoutAMajorityEitherMayBeRight) {
  EXPECT_EQ(compared(2,
                     [](int rank, TensorTable& own) {
                       if (rank == 1) own[0].tensor.add_(1);
                     }),
            concat("ranks 0, 1 hold different values of student.fc.weight; 1 of 4", kAdvice));
  EXPECT_EQ(compared(4, [](int rank, TensorTable& own) { own[0].tensor.add_(rank / 2); }),
            concat("ranks 0, 1, 2, 3 hold different values of student.fc.weight; 1 of 4", kAdvice));
}

}  // namespace
}  // namespace spc
