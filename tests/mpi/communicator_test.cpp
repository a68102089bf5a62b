#include <ATen/ATen.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <cstdlib>
#include <thread>

#include "base/error.h"
#include "mpi/ranks.h"

namespace spc {
namespace {

using CommunicatorMpi = MpiTest;

TEST_F(CommunicatorMpi, HasAsManyRanksAsTheLauncherStarted) {
  EXPECT_EQ(mpi_session().rank(), rank_);
  EXPECT_EQ(mpi_session().world_size(), world_);
  const char* started = std::getenv("SPC_MPI_RANKS");  // set with each run, in CMakeLists.txt
  EXPECT_EQ(started == nullptr ? "?" : started, std::to_string(world_));
  // All on this machine.
  EXPECT_EQ(comm_->local_rank(), rank_);
  EXPECT_EQ(comm_->local_size(), world_);
  const at::Tensor ranks = comm_->all_gather_rows(at::full({1}, rank_, at::kLong), "ranks");
  EXPECT_TRUE(at::equal(ranks, at::arange(world_, at::kLong)));
}

TEST_F(CommunicatorMpi, CountsHosts) {
  EXPECT_EQ(count_hosts(*comm_), 1);
}

TEST_F(CommunicatorMpi, GathersTextsOfAnyLength) {
  std::vector<std::string> expected;
  for (int rank = 0; rank < world_; ++rank)
    expected.emplace_back(rank == 0 ? 0 : 4 * rank + 4, static_cast<char>('a' + rank));
  EXPECT_EQ(gather_texts(*comm_, expected[static_cast<size_t>(rank_)], "test"), expected);
}

TEST_F(CommunicatorMpi, GathersListsOfAnyLength) {
  std::vector<std::vector<std::string>> expected;
  for (int rank = 0; rank < world_; ++rank) {
    std::vector<std::string>& list = expected.emplace_back();
    for (int i = 0; i < rank; ++i) list.push_back(concat(rank, "\n", i));
    if (rank > 0) list.emplace_back();
  }
  EXPECT_EQ(gather_lists(*comm_, expected[static_cast<size_t>(rank_)], "test"), expected);
}

TEST_F(CommunicatorMpi, ReducesEveryTypeByEveryOperation) {
  const int64_t n = world_;
  for (const at::ScalarType type : {at::kFloat, at::kDouble, at::kLong}) {
    const auto reduced = [&](ReduceOp op) {
      const at::Tensor values = at::tensor({rank_ + 1, -3 * rank_, 7}, at::kLong).to(type);
      comm_->all_reduce_now(values, op, "test");
      return values.to(at::kLong);
    };
    EXPECT_TRUE(at::equal(reduced(ReduceOp::kSum),
                          at::tensor({n * (n + 1) / 2, -3 * n * (n - 1) / 2, 7 * n}, at::kLong)))
        << type;
    EXPECT_TRUE(at::equal(reduced(ReduceOp::kMin),
                          at::tensor({int64_t{1}, -3 * (n - 1), int64_t{7}}, at::kLong)))
        << type;
    EXPECT_TRUE(
        at::equal(reduced(ReduceOp::kMax), at::tensor({n, int64_t{0}, int64_t{7}}, at::kLong)))
        << type;
  }
}

// Few ranks sum long messages by another way than short ones.
TEST_F(CommunicatorMpi, SumsMessagesOfEverySize) {
  for (const at::ScalarType type : {at::kFloat, at::kDouble, at::kLong}) {
    for (const int64_t count : {1, 4095, 4096, 8191, 8192, 8193, 100001}) {
      const at::Tensor base = at::arange(count, at::kLong).remainder(1009);
      const at::Tensor values = (base + rank_).to(type);
      comm_->all_reduce_now(values, ReduceOp::kSum, "test");
      EXPECT_TRUE(
          at::equal(values.to(at::kLong), base * world_ + int64_t{world_} * (world_ - 1) / 2))
          << count << " of " << type;
    }
  }
}

TEST_F(CommunicatorMpi, LongSumsMayBeUnderWayBesideOthers) {
  const at::Tensor first = at::full({50000}, rank_ + 1.0);
  const at::Tensor second = at::full({60000}, 2.0 * (rank_ + 1), at::kFloat);
  const auto one = comm_->all_reduce(first, ReduceOp::kSum, "first");
  const auto two = comm_->all_reduce(second, ReduceOp::kSum, "second");
  comm_->barrier("between");
  one->wait();
  two->wait();
  const double sum = world_ * (world_ + 1) / 2.0;
  EXPECT_TRUE(at::equal(first, at::full_like(first, sum)));
  EXPECT_TRUE(at::equal(second, at::full_like(second, 2 * sum)));
}

TEST_F(CommunicatorMpi, KeepsAllBitsOfWideTypes) {
  const at::Tensor large = at::full({1}, (int64_t{1} << 53) + 1 + rank_, at::kLong);
  comm_->all_reduce_now(large, ReduceOp::kMin, "test");
  EXPECT_EQ(large.item<int64_t>(), (int64_t{1} << 53) + 1);
  const at::Tensor exact = at::full({1}, 1 + 1e-15, at::kDouble);
  comm_->all_reduce_now(exact, ReduceOp::kMax, "test");
  EXPECT_EQ(exact.item<double>(), 1 + 1e-15);
}

TEST_F(CommunicatorMpi, ReducesToTheSameBitsOnEveryRank) {
  const at::Tensor values = at::sin(at::arange(100000, at::kFloat) * (1 + 0.1 * rank_));
  comm_->all_reduce_now(values, ReduceOp::kSum, "test");
  const at::Tensor all = comm_->all_gather_rows(values.unsqueeze(0), "test");
  for (int64_t rank = 1; rank < world_; ++rank) EXPECT_TRUE(at::equal(all[rank], all[0]));
}

TEST_F(CommunicatorMpi, SeveralReductionsMayBeUnderWay) {
  constexpr int kCount = 9;
  std::vector<at::Tensor> tensors;
  std::vector<std::unique_ptr<Work>> works;
  for (int i = 0; i < kCount; ++i) {
    tensors.push_back(
        at::full({1000 * i + 1}, (rank_ + 1) * (i + 1), i % 2 == 0 ? at::kFloat : at::kDouble));
    works.push_back(comm_->all_reduce(tensors.back(), ReduceOp::kSum, concat("reduction ", i)));
  }
  const int sum = world_ * (world_ + 1) / 2;
  for (int i = 0; i < kCount; ++i) {
    works[static_cast<size_t>(i)]->wait();
    const at::Tensor& tensor = tensors[static_cast<size_t>(i)];
    EXPECT_TRUE(at::equal(tensor, at::full_like(tensor, sum * (i + 1)))) << "reduction " << i;
  }
}

TEST_F(CommunicatorMpi, ABroadcastOfManyElementsGoesInPieces) {
  const int64_t count = (int64_t{1} << 24) + 3;  // one full piece and a short one
  const at::Tensor expected = at::arange(count, at::kInt).remainder(1009).to(at::kFloat);
  const int root = world_ - 1;
  const at::Tensor values = rank_ == root ? expected.clone() : at::zeros({count});
  comm_->broadcast(values, root, "test");
  EXPECT_TRUE(at::equal(values, expected));
}

TEST_F(CommunicatorMpi, BroadcastsFromEveryRoot) {
  for (const at::ScalarType type : {at::kFloat, at::kDouble, at::kLong}) {
    for (int root = 0; root < world_; ++root) {
      const at::Tensor values = at::full({2, 3}, 10 * rank_ + 1, type);
      comm_->broadcast(values, root, "test");
      EXPECT_TRUE(at::equal(values, at::full({2, 3}, 10 * root + 1, type)));
      const at::Tensor nothing = at::zeros({0}, type);
      comm_->broadcast(nothing, root, "test");
    }
  }
}

TEST_F(CommunicatorMpi, GathersRowsInRankOrderAlsoWhereARankHasNone) {
  const auto rows_of = [](int rank) { return rank == 1 ? 0 : rank + 1; };
  for (const at::ScalarType type : {at::kFloat, at::kDouble, at::kLong}) {
    const at::Tensor all =
        comm_->all_gather_rows(at::full({rows_of(rank_), 2, 3}, rank_, type), "test");
    std::vector<at::Tensor> expected;
    for (int rank = 0; rank < world_; ++rank)
      expected.push_back(at::full({rows_of(rank), 2, 3}, rank, type));
    EXPECT_TRUE(at::equal(all, at::cat(expected, 0)));
  }
  EXPECT_EQ(comm_->all_gather_rows(at::zeros({0, 4}), "test").sizes(), at::IntArrayRef({0, 4}))
      << "nobody has any";
}

TEST_F(CommunicatorMpi, ReduceScatterKeepsTheOwnRowsOfTheSum) {
  for (const at::ScalarType type : {at::kFloat, at::kDouble, at::kLong}) {
    const at::Tensor rows = at::arange(6 * world_, at::kLong).view({2 * world_, 3}).to(type);
    const at::Tensor own = comm_->reduce_scatter_rows(rows * (rank_ + 1), "test");
    EXPECT_TRUE(at::equal(own, rows.narrow(0, 2 * rank_, 2) * (world_ * (world_ + 1) / 2)));
  }
}

TEST_F(CommunicatorMpi, AllToAllGivesEveryRankItsBlockOfEveryRank) {
  for (const at::ScalarType type : {at::kFloat, at::kDouble, at::kLong, at::kBFloat16}) {
    // Block j of rank i says (i, j).
    at::Tensor rows = at::empty({2 * world_, 3}, type);
    for (int64_t j = 0; j < world_; ++j) rows.narrow(0, 2 * j, 2).fill_(16 * rank_ + j);
    const at::Tensor came = comm_->all_to_all_rows(rows, "test");
    for (int64_t i = 0; i < world_; ++i)
      EXPECT_TRUE(at::equal(came.narrow(0, 2 * i, 2), at::full({2, 3}, 16 * i + rank_, type)));
  }
}

TEST_F(CommunicatorMpi, BroadcastsTextOfEveryLength) {
  for (const size_t size : {0u, 1u, 7u, 8u, 9u, 1001u}) {
    for (int root = 0; root < world_; ++root) {
      const std::string text(size, static_cast<char>('a' + root));
      EXPECT_EQ(broadcast_text(*comm_, rank_ == root ? text : "something else", root, "test"),
                text);
    }
  }
}

// The monotonic clock is the same for all processes of a machine.
TEST_F(CommunicatorMpi, NoRankLeavesABarrierBeforeTheLastHasCome) {
  const auto now = [] { return std::chrono::steady_clock::now().time_since_epoch().count(); };
  for (int last = 0; last < world_; ++last) {
    if (rank_ == last) std::this_thread::sleep_for(std::chrono::milliseconds(30));
    const int64_t came = now();
    comm_->barrier("test");
    const int64_t left = now();
    const at::Tensor last_came = at::full({1}, came, at::kLong);
    comm_->all_reduce_now(last_came, ReduceOp::kMax, "test");
    EXPECT_GE(left, last_came.item<int64_t>());
  }
}

TEST_F(CommunicatorMpi, RefusesTensorsThatItCannotMove) {
  if (world_ > 1) {
    const at::Tensor strided = at::zeros({4, 4}).t().narrow(0, 0, 2);
    EXPECT_THROW((void)comm_->all_reduce(strided, ReduceOp::kSum, "strided"), Error);
    try {
      (void)comm_->all_reduce(at::zeros({2}, at::kBFloat16), ReduceOp::kSum, "halves");
      ADD_FAILURE() << "no exception was thrown";
    } catch (const Error& error) {
      EXPECT_STREQ(error.what(), "halves: MPI computes with float32, float64 and int64 only");
    }
  }
  comm_->barrier("all ranks go on together");
  EXPECT_EQ(comm_->world_size(), world_);
}

}  // namespace
}  // namespace spc
