#include "train/together.h"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>

#include "base/process.h"
#include "dist/thread_communicator.h"
#include "train/resources.h"
#include "unit/forwarding_communicator.h"
#include "unit/store/shard_folder.h"
#include "unit/train/tensors.h"

namespace spc {
namespace {

TensorTable table_of(int rank) {
  return {{"weight", at::full({2, 3}, 1.5 + rank, at::kFloat).set_requires_grad(true)},
          {"mean", at::full({3}, 0.25 * rank, at::kDouble)},
          {"step", at::full({1}, 7 * rank, at::kLong)}};
}

TEST(BroadcastTensors, GiveEveryRankThoseOfRankZero) {
  run_thread_ranks(3, [](Communicator& comm) {
    const TensorTable table = table_of(comm.rank());
    broadcast_tensors(comm, table);
    EXPECT_EQ(Snapshot(table_of(0)).distance(table), 0);
  });
}

// Loses what is broadcast on one rank, and passes all else on.
class DeafCommunicator : public ForwardingCommunicator {
 public:
  DeafCommunicator(Communicator& comm, int deaf_rank)
      : ForwardingCommunicator(comm), deaf_(comm.rank() == deaf_rank) {}
  void broadcast(const at::Tensor& tensor, int root, const std::string& what) override {
    ForwardingCommunicator::broadcast(deaf_ ? tensor.clone() : tensor, root, what);
  }

 private:
  bool deaf_;
};

TEST(BroadcastTensors, FindRanksThatDiffer) {
  for (const int deaf : {1, 2}) {
    std::atomic<int> refused = 0;
    run_thread_ranks(3, [&](Communicator& comm) {
      DeafCommunicator bad(comm, deaf);
      const std::string message =
          message_of([&] { broadcast_tensors(bad, table_of(comm.rank())); });
      EXPECT_EQ(message,
                concat("rank ", deaf,
                       " holds another weight than the others; 3 of 3 tensors "
                       "differ. A faulty memory or processor, another build or another kind of "
                       "machine makes them so"));
      ++refused;
    });
    EXPECT_EQ(refused, 3) << "every rank must hear of it";
  }
}

TEST(OnRankZero, RunsThereAloneAndReturnsEverywhere) {
  std::atomic<int> runs = 0;
  std::atomic<int> returned = 0;
  run_thread_ranks(3, [&](Communicator& comm) {
    on_rank_zero(comm, "test", [&] {
      EXPECT_EQ(comm.rank(), 0);
      ++runs;
    });
    ++returned;
  });
  EXPECT_EQ(runs, 1);
  EXPECT_EQ(returned, 3);
}

TEST(OnRankZero, SpreadsTheMessageOfAnErrorToEveryRank) {
  std::atomic<int> heard = 0;
  run_thread_ranks(3, [&](Communicator& comm) {
    const std::string message = message_of(
        [&] { on_rank_zero(comm, "test", [] { throw Error("the disk is full: /data"); }); });
    EXPECT_EQ(message, "the disk is full: /data");
    ++heard;
    comm.barrier("nobody is left waiting");
  });
  EXPECT_EQ(heard, 3);
}

TEST(OpenShards, TakesAllUtterancesOrThoseOfAList) {
  const TemporaryFolder folder;
  const std::string shards =
      write_shards(folder / "shards", {{{"ann", 9}, {"ben", 8}}, {{"cat", 7}}});
  EXPECT_EQ(open_shards({shards}, "").utts().size(), 3u);
  const ShardSet some = open_shards({shards}, folder.file("list", "cat speaker7\n\nann\n"));
  ASSERT_EQ(some.utts().size(), 2u);
  EXPECT_EQ(some.utts()[0].utt, "ann");
  EXPECT_EQ(some.utts()[1].utt, "cat");
  const std::string wrong = folder.file("wrong", "ann\nzoe\n");
  EXPECT_EQ(message_of([&] { (void)open_shards({shards}, wrong); }),
            wrong + ": 1 utterances of the list are in no shard, among them zoe");
}

TEST(ComputeThreads, AreAsManyAsAskedForOrAShareOfTheCores) {
  const int before = at::get_num_threads();
  const auto comm = make_solo_communicator();
  set_compute_threads(3, *comm);
  EXPECT_EQ(at::get_num_threads(), 3);
  set_compute_threads(0, *comm);
  EXPECT_EQ(at::get_num_threads(), available_cores());
  at::set_num_threads(before);
}

}  // namespace
}  // namespace spc
