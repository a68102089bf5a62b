#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <mutex>

#include "dist/thread_communicator.h"
#include "unit/dist/batch_norm_cases.h"
#include "unit/temporary_folder.h"

namespace spc {
namespace {

// Seven utterances, cut over ranks in pieces of different sizes.
class BatchNormRanks : public testing::TestWithParam<std::vector<int64_t>> {};

TEST_P(BatchNormRanks, EqualOneRankWithAllRows) {
  const std::vector<int64_t>& rows = GetParam();
  const at::Tensor x = wavy({7, 3, 4, 5}, at::kDouble);
  const at::Tensor dy = wavy({7, 3, 4, 5}, at::kDouble, 5);
  const Pass whole = run_pass(x, dy, bn_tensors(3, at::kDouble), theirs);
  std::mutex mutex;
  at::Tensor dweight = at::zeros({3}, at::kDouble);
  at::Tensor dbias = at::zeros({3}, at::kDouble);
  run_thread_ranks(static_cast<int>(rows.size()), [&](Communicator& comm) {
    int64_t begin = 0;
    for (int rank = 0; rank < comm.rank(); ++rank) begin += rows[static_cast<size_t>(rank)];
    const int64_t count = rows[static_cast<size_t>(comm.rank())];
    const auto mine = [&](const at::Tensor& all) { return all.narrow(0, begin, count); };
    const Pass part = run_pass(mine(x), mine(dy), bn_tensors(3, at::kDouble),
                               [&](const at::Tensor& values, const BatchNormTensors& bn) {
                                 return batch_norm_train(values, bn, &comm);
                               });
    EXPECT_LT(distance(part.y, mine(whole.y)), 1e-12);
    EXPECT_LT(distance(part.dx, mine(whole.dx)), 1e-12);
    EXPECT_LT(distance(part.running_mean, whole.running_mean), 1e-12);
    EXPECT_LT(distance(part.running_var, whole.running_var), 1e-12);
    const std::lock_guard lock(mutex);
    dweight += part.dweight;
    dbias += part.dbias;
  });
  EXPECT_LT(distance(dweight, whole.dweight), 1e-12);
  EXPECT_LT(distance(dbias, whole.dbias), 1e-12);
}

INSTANTIATE_TEST_SUITE_P(Splits, BatchNormRanks,
                         testing::Values(std::vector<int64_t>{7}, std::vector<int64_t>{5, 2},
                                         std::vector<int64_t>{4, 1, 2},
                                         std::vector<int64_t>{1, 3, 1, 2}));

TEST(BatchNormRanks, TheParametersGradientsStayEachRanksOwnInEveryPrecision) {
  for (const at::ScalarType type : {at::kFloat, at::kDouble}) {
    run_thread_ranks(2, [&](Communicator& comm) {
      const at::Tensor dy = wavy({3, 2, 4}, type, comm.rank());
      const Pass part = run_pass(wavy({3, 2, 4}, type, 9 + comm.rank()), dy, bn_tensors(2, type),
                                 [&](const at::Tensor& x, const BatchNormTensors& bn) {
                                   return batch_norm_train(x, bn, &comm);
                                 });
      EXPECT_LT(distance(part.dbias, dy.sum(at::IntArrayRef({0, 2}))), 1e-5);
    });
  }
}

TEST(BatchNormRanks, OneValueOnEachOfTwoRanksIsEnough) {
  run_thread_ranks(2, [](Communicator& comm) {
    const at::Tensor x = at::full({1, 1}, comm.rank() == 0 ? -3.0 : 5.0, at::kDouble);
    const BatchNormTensors bn{at::ones({1}, at::kDouble), at::zeros({1}, at::kDouble),
                              at::zeros({1}, at::kDouble), at::ones({1}, at::kDouble)};
    EXPECT_NEAR(batch_norm_train(x, bn, &comm).item<double>(), comm.rank() == 0 ? -1 : 1, 1e-6);
    EXPECT_NEAR(bn.running_mean.item<double>(), 0.1 * 1, 1e-12);
    EXPECT_NEAR(bn.running_var.item<double>(), 0.9 + 0.1 * 32, 1e-12);
  });
}

TEST(BatchNormRanks, WithoutACommunicatorEachRankIsAlone) {
  run_thread_ranks(2, [](Communicator& comm) {
    const at::Tensor x = wavy({3, 2, 4}, at::kDouble, comm.rank(), 10.0 * comm.rank());
    const at::Tensor alone = theirs(x, bn_tensors(2, at::kDouble));
    EXPECT_LT(distance(batch_norm_train(x, bn_tensors(2, at::kDouble), nullptr), alone), 1e-12);
    EXPECT_GT(distance(batch_norm_train(x, bn_tensors(2, at::kDouble), &comm), alone), 0.5);
  });
}

}  // namespace
}  // namespace spc
