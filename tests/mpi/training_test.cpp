// What training does between processes gives what one process with all rows gives.
#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include "dist/gradient_reducer.h"
#include "mpi/ranks.h"
#include "unit/dist/batch_norm_cases.h"
#include "unit/dist/given_gradients.h"

namespace spc {
namespace {

using TrainingMpi = MpiTest;

at::Tensor gradient_of(int rank, size_t p) {
  const at::Tensor steps = at::arange(static_cast<int64_t>(500 * p + 3), at::kLong);
  return (steps * (rank + 1) - 7 * rank)
      .to(p % 3 == 0 ? at::kDouble : at::kFloat);  // integers: sums are exact
}

// Rank 1 has no gradient for parameter 2: it counts as zero.
bool has_gradient(int rank, size_t p) {
  return rank != 1 || p != 2;
}

class ReducerMpi : public MpiTest, public testing::WithParamInterface<int64_t> {};

TEST_P(ReducerMpi, EveryGradientBecomesTheSumOverRanksStepAfterStep) {
  std::vector<at::Tensor> parameters;
  for (size_t p = 0; p < 12; ++p)
    parameters.push_back(at::zeros_like(gradient_of(0, p)).set_requires_grad(true));
  GradientReducer reducer(*comm_, parameters, {GetParam(), GetParam() / 2});
  for (int step = 0; step < 3; ++step) {
    std::vector<at::Tensor> gradients;
    for (size_t p = 0; p < parameters.size(); ++p)
      gradients.push_back(has_gradient(rank_, p) ? gradient_of(rank_, p) + step : at::Tensor());
    reducer.begin();
    backward_giving(parameters, gradients);
    reducer.leave();
    reducer.finish();
    for (size_t p = 0; p < parameters.size(); ++p) {
      at::Tensor sum = at::zeros_like(parameters[p]).detach();
      for (int rank = 0; rank < world_; ++rank) {
        if (has_gradient(rank, p)) sum += gradient_of(rank, p) + step;
      }
      EXPECT_EQ(parameters[p].grad().defined(), has_gradient(rank_, p));
      if (parameters[p].grad().defined()) {
        EXPECT_TRUE(at::equal(parameters[p].grad(), sum)) << "parameter " << p << ", step " << step;
      }
    }
  }
}

INSTANTIATE_TEST_SUITE_P(BucketBytes, ReducerMpi,
                         testing::Values(2, 10000, ReducerOptions().bucket_bytes));

TEST_F(TrainingMpi, BatchNormIsThatOfAllRowsTogether) {
  constexpr int64_t kRows = 7;
  const RowRange rows = rows_of_rank(kRows, rank_, world_);
  const at::Tensor x = wavy({kRows, 3, 4, 5}, at::kDouble);
  const at::Tensor dy = wavy({kRows, 3, 4, 5}, at::kDouble, 5);
  const Pass whole = run_pass(x, dy, bn_tensors(3, at::kDouble), theirs);
  const auto mine = [&](const at::Tensor& all) { return all.narrow(0, rows.begin, rows.size()); };
  const Pass part = run_pass(mine(x), mine(dy), bn_tensors(3, at::kDouble),
                             [&](const at::Tensor& values, const BatchNormTensors& bn) {
                               return batch_norm_train(values, bn, comm_.get());
                             });
  EXPECT_LT(distance(part.y, mine(whole.y)), 1e-12);
  EXPECT_LT(distance(part.dx, mine(whole.dx)), 1e-12);
  EXPECT_LT(distance(part.running_mean, whole.running_mean), 1e-12);
  EXPECT_LT(distance(part.running_var, whole.running_var), 1e-12);
  for (const auto& [own, all] :
       {std::make_pair(part.dweight, whole.dweight), std::make_pair(part.dbias, whole.dbias)}) {
    const at::Tensor sum = own.clone();
    comm_->all_reduce_now(sum, ReduceOp::kSum, "test");
    EXPECT_LT(distance(sum, all), 1e-12);
  }
}

// The autograd engine calls the collectives of backward; on other messages' heels and under way
// together with the reducer's.
TEST_F(TrainingMpi, BatchNormAndReducerTakeTurnsInAStep) {
  constexpr int64_t kRows = 9;
  const RowRange rows = rows_of_rank(kRows, rank_, world_);
  const at::Tensor x = wavy({kRows, 4}, at::kDouble);
  const auto gradients = [&](Communicator& comm, const RowRange& range) {
    const BatchNormTensors bn = bn_tensors(4, at::kDouble);
    const at::Tensor weight = wavy({4, 4}, at::kDouble, 7).set_requires_grad(true);
    GradientReducer reducer(comm, {bn.weight, bn.bias, weight}, {1, 1});
    reducer.begin();
    const at::Tensor y =
        batch_norm_train(at::linear(x.narrow(0, range.begin, range.size()), weight), bn, &comm);
    y.pow(3).sum().backward();
    reducer.leave();
    reducer.finish();
    return std::vector<at::Tensor>{bn.weight.grad(), bn.bias.grad(), weight.grad()};
  };
  const auto solo = make_solo_communicator();
  const std::vector<at::Tensor> alone = gradients(*solo, {0, kRows});
  const std::vector<at::Tensor> together = gradients(*comm_, rows);
  for (size_t p = 0; p < alone.size(); ++p) EXPECT_LT(distance(together[p], alone[p]), 1e-10) << p;
}

}  // namespace
}  // namespace spc
