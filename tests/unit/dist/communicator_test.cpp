#include "dist/communicator.h"

#include <ATen/ATen.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <mutex>
#include <set>

#include "base/error.h"
#include "dist/thread_communicator.h"
#include "unit/temporary_folder.h"

namespace spc {
namespace {

TEST(RowsOfRank, CutEveryTotalIntoEvenConsecutivePieces) {
  for (const int64_t offset : {int64_t{0}, int64_t{1} << 40}) {
    for (int64_t total = offset; total < offset + 40; ++total) {
      for (int world = 1; world <= 9; ++world) {
        int64_t next = 0;
        std::set<int64_t> sizes;
        for (int rank = 0; rank < world; ++rank) {
          const RowRange rows = rows_of_rank(total, rank, world);
          ASSERT_EQ(rows.begin, next);
          next = rows.end;
          sizes.insert(rows.size());
        }
        ASSERT_EQ(next, total);
        ASSERT_LE(*sizes.rbegin() - *sizes.begin(), 1) << total << " over " << world;
      }
    }
  }
}

class ThreadRanks : public testing::TestWithParam<int> {};

TEST_P(ThreadRanks, KnowTheirPlace) {
  const int world = GetParam();
  std::mutex mutex;
  std::set<int> ranks;
  run_thread_ranks(world, [&](Communicator& comm) {
    const std::lock_guard lock(mutex);
    ranks.insert(comm.rank());
    EXPECT_EQ(comm.world_size(), world);
    EXPECT_EQ(comm.local_rank(), comm.rank());
    EXPECT_EQ(comm.local_size(), world);
  });
  EXPECT_EQ(ranks.size(), static_cast<size_t>(world));
}

TEST_P(ThreadRanks, AllReduceSumsAndFindsExtremesInPlace) {
  const int world = GetParam();
  run_thread_ranks(world, [&](Communicator& comm) {
    for (const at::ScalarType type : {at::kFloat, at::kDouble, at::kLong}) {
      const at::Tensor mine =
          at::tensor({comm.rank() + 1, -3 * comm.rank(), 7}, at::kLong).to(type);
      const auto reduced = [&](ReduceOp op) {
        const at::Tensor values = mine.clone();
        comm.all_reduce_now(values, op, "test");
        return values;
      };
      const int n = world;
      const auto expected = [&](int64_t a, int64_t b, int64_t c) {
        return at::tensor({a, b, c}, at::kLong).to(type);
      };
      EXPECT_TRUE(at::equal(reduced(ReduceOp::kSum),
                            expected(n * (n + 1) / 2, -3 * n * (n - 1) / 2, 7 * n)));
      EXPECT_TRUE(at::equal(reduced(ReduceOp::kMin), expected(1, -3 * (n - 1), 7)));
      EXPECT_TRUE(at::equal(reduced(ReduceOp::kMax), expected(n, 0, 7)));
    }
  });
}

TEST_P(ThreadRanks, AllReduceGivesEveryRankTheSameBits) {
  std::mutex mutex;
  std::vector<at::Tensor> results;
  run_thread_ranks(GetParam(), [&](Communicator& comm) {
    const at::Tensor values = at::sin(at::arange(1000, at::kFloat) + 0.1 * comm.rank());
    for (int i = 0; i < 20; ++i) comm.all_reduce_now(values, ReduceOp::kSum, "test");
    const std::lock_guard lock(mutex);
    results.push_back(values);
  });
  for (const at::Tensor& each : results) EXPECT_TRUE(at::equal(each, results[0]));
}

TEST_P(ThreadRanks, BroadcastCopiesTheRootsValues) {
  run_thread_ranks(GetParam(), [&](Communicator& comm) {
    for (int root = 0; root < comm.world_size(); ++root) {
      const at::Tensor values = at::full({2, 3}, 10 * comm.rank() + 1, at::kDouble);
      comm.broadcast(values, root, "test");
      EXPECT_TRUE(at::equal(values, at::full({2, 3}, 10 * root + 1, at::kDouble)));
    }
  });
}

TEST_P(ThreadRanks, GatherRowsInRankOrderHoweverManyEachHas) {
  run_thread_ranks(GetParam(), [&](Communicator& comm) {
    // Rank 1 has none, rank r otherwise r + 1, each row telling whose it is.
    const auto rows_of = [](int rank) { return rank == 1 ? 0 : rank + 1; };
    const at::Tensor mine = at::full({rows_of(comm.rank()), 2}, comm.rank(), at::kLong);
    const at::Tensor all = comm.all_gather_rows(mine, "test");
    std::vector<int64_t> expected;
    for (int rank = 0; rank < comm.world_size(); ++rank)
      expected.insert(expected.end(), static_cast<size_t>(2 * rows_of(rank)), rank);
    EXPECT_TRUE(at::equal(all, at::tensor(expected, at::kLong).view({-1, 2})));
  });
}

TEST_P(ThreadRanks, BroadcastTextOfEveryLength) {
  run_thread_ranks(GetParam(), [&](Communicator& comm) {
    for (const size_t size : {0u, 1u, 7u, 8u, 9u, 1000u}) {
      for (int root = 0; root < comm.world_size(); ++root) {
        const std::string text(size, static_cast<char>('a' + root));
        const std::string other = comm.rank() == root ? text : "something else, longer or shorter";
        EXPECT_EQ(broadcast_text(comm, other, root, "test"), text);
      }
    }
  });
}

TEST_P(ThreadRanks, ReduceScatterKeepsTheOwnRowsOfTheSum) {
  const int world = GetParam();
  run_thread_ranks(world, [&](Communicator& comm) {
    const at::Tensor rows = at::arange(6 * world, at::kFloat).view({2 * world, 3});
    const at::Tensor own = comm.reduce_scatter_rows(rows * (comm.rank() + 1), "test");
    const at::Tensor sum = rows * (world * (world + 1) / 2);
    EXPECT_TRUE(at::equal(own, sum.narrow(0, 2 * comm.rank(), 2)));
  });
}

TEST_P(ThreadRanks, AllToAllGivesEveryRankItsBlockOfEveryRank) {
  run_thread_ranks(GetParam(), [&](Communicator& comm) {
    const int64_t world = comm.world_size();
    const at::Tensor rows = at::arange(world, at::kLong) + 16 * comm.rank();
    EXPECT_TRUE(at::equal(comm.all_to_all_rows(rows, "test"),
                          at::arange(world, at::kLong) * 16 + comm.rank()));
  });
}

INSTANTIATE_TEST_SUITE_P(World, ThreadRanks, testing::Values(1, 2, 3, 4));

TEST(ThreadRanks, AnExceptionOfOneRankEndsTheWaitsOfTheOthersAndIsTheOneThrown) {
  std::atomic<int> woken = 0;
  const std::string message = message_of([&] {
    run_thread_ranks(4, [&](Communicator& comm) {
      comm.barrier("all are here");
      if (comm.rank() == 2) throw Error("rank 2 lost its file");
      try {
        comm.all_reduce_now(at::zeros({3}), ReduceOp::kSum, "test");
      } catch (const Error& error) {
        EXPECT_STREQ(error.what(), "another rank ended");
        ++woken;
        throw;
      }
    });
  });
  EXPECT_EQ(message, "rank 2 lost its file");
  EXPECT_EQ(woken, 3);
}

TEST(ThreadRanks, SumByOneBalancedTree) {
  // In single precision only (1 + -1) + (2^-30 + 2^-30) keeps the small ones.
  const std::vector<float> terms{1, -1, 0x1p-30F, 0x1p-30F};
  run_thread_ranks(4, [&](Communicator& comm) {
    const at::Tensor sum = at::full({1}, terms[static_cast<size_t>(comm.rank())]);
    comm.all_reduce_now(sum, ReduceOp::kSum, "test");
    EXPECT_EQ(sum.item<float>(), 0x1p-29F);
  });
}

TEST(ThreadRanks, AThreadThatDoesNotComeIsAnErrorThatNamesTheOperation) {
  std::mutex mutex;
  std::vector<std::string> messages;
  run_thread_ranks(
      2,
      [&](Communicator& comm) {
        if (comm.rank() == 1) return;
        const std::lock_guard lock(mutex);
        messages.push_back(message_of([&] { comm.barrier("a meeting"); }));
      },
      0.05);
  EXPECT_EQ(messages, std::vector<std::string>{
                          "a thread waited 0.05 s for the others in a meeting; one of them is "
                          "stuck. The limit is dist.timeout_s"});
}

TEST(SoloCommunicator, LeavesValuesAsTheyAre) {
  const std::unique_ptr<Communicator> comm = make_solo_communicator();
  EXPECT_EQ(comm->rank(), 0);
  EXPECT_EQ(comm->world_size(), 1);
  const at::Tensor values = at::arange(4);
  comm->all_reduce_now(values, ReduceOp::kSum, "test");
  comm->broadcast(values, 0, "test");
  EXPECT_TRUE(at::equal(values, at::arange(4)));
  EXPECT_TRUE(at::equal(comm->all_gather_rows(values, "test"), values));
  EXPECT_EQ(broadcast_text(*comm, "text", 0, "test"), "text");
}

}  // namespace
}  // namespace spc
