// Four ranks that are threads of one, two or four processes: the same place, the same bits.
#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <mutex>

#include "base/error.h"
#include "dist/thread_communicator.h"
#include "mpi/ranks.h"

namespace spc {
namespace {

constexpr int kLeaves = 4;

class LeavesMpi : public MpiTest {
 protected:
  /// `body` on every leaf of this process.
  void on_leaves(const std::function<void(Communicator&)>& body) {
    run_thread_ranks(*comm_, kLeaves / world_, body);
  }
};

at::Tensor values_of(int leaf) {
  return at::sin(at::arange(10000, at::kFloat) * (1 + 0.1 * leaf));
}

TEST_F(LeavesMpi, AreNumberedThroughAllProcesses) {
  on_leaves([&](Communicator& leaf) {
    EXPECT_EQ(leaf.world_size(), kLeaves);
    EXPECT_EQ(leaf.local_size(), kLeaves);
    EXPECT_EQ(leaf.rank() / (kLeaves / world_), rank_);
    const at::Tensor ranks = leaf.all_gather_rows(at::full({1}, leaf.rank(), at::kLong), "test");
    EXPECT_TRUE(at::equal(ranks, at::arange(kLeaves, at::kLong)));
  });
}

TEST_F(LeavesMpi, SumByTheSameTreeOnAnyNumberOfProcesses) {
  const at::Tensor tree = (values_of(0) + values_of(1)) + (values_of(2) + values_of(3));
  const at::Tensor chain = ((values_of(0) + values_of(1)) + values_of(2)) + values_of(3);
  EXPECT_FALSE(at::equal(tree, chain)) << "the order must matter here";
  on_leaves([&](Communicator& leaf) {
    const at::Tensor sum = values_of(leaf.rank());
    leaf.all_reduce_now(sum, ReduceOp::kSum, "test");
    EXPECT_TRUE(at::equal(sum, tree));
    const at::Tensor smallest = at::full({1}, 7 - leaf.rank(), at::kLong);
    leaf.all_reduce_now(smallest, ReduceOp::kMin, "test");
    EXPECT_EQ(smallest.item<int64_t>(), 4);
  });
}

TEST_F(LeavesMpi, BroadcastGatherAndScatter) {
  on_leaves([&](Communicator& leaf) {
    for (int root = 0; root < kLeaves; ++root) {
      const at::Tensor values = values_of(leaf.rank());
      leaf.broadcast(values, root, "test");
      EXPECT_TRUE(at::equal(values, values_of(root)));
    }
    const at::Tensor rows =
        leaf.all_gather_rows(at::full({leaf.rank(), 2}, leaf.rank(), at::kLong), "test");
    EXPECT_TRUE(at::equal(rows.select(1, 0), at::tensor({1, 2, 2, 3, 3, 3}, at::kLong)));
    const at::Tensor own = leaf.reduce_scatter_rows(at::arange(4, at::kFloat), "test");
    EXPECT_TRUE(at::equal(own, at::full({1}, 4.0F * static_cast<float>(leaf.rank()))));
    leaf.barrier("test");
  });
}

TEST_F(LeavesMpi, DuplicatesAreIndependent) {
  on_leaves([&](Communicator& leaf) {
    const std::unique_ptr<Communicator> first = leaf.duplicate();
    const std::unique_ptr<Communicator> second = leaf.duplicate();
    std::thread beside([&] {
      for (int i = 0; i < 20; ++i) second->barrier("beside");
    });
    at::Tensor sum = at::ones({1000});
    for (int i = 0; i < 5; ++i) first->all_reduce_now(sum, ReduceOp::kSum, "test");
    beside.join();
    EXPECT_TRUE(at::equal(sum, at::full({1000}, 1024.0F)));
  });
}

}  // namespace
}  // namespace spc
