#include "dist/wire.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include "dist/thread_communicator.h"

namespace spc {
namespace {

at::Tensor values_of(int rank, int64_t count) {
  return at::sin(at::arange(count, at::kFloat) * (1 + 0.3 * rank)) * 3;
}

at::Tensor through_bf16(const at::Tensor& values) {
  return values.to(at::kBFloat16).to(at::kFloat);
}

class Wire : public testing::TestWithParam<std::tuple<int, int64_t>> {};

TEST_P(Wire, RoundsOnceBeforeTheSumAndOnceAfterIt) {
  const auto [ranks, count] = GetParam();
  at::Tensor sum = at::zeros({count});
  double changed = 0;
  for (int rank = 0; rank < ranks; ++rank) {
    const at::Tensor rounded = through_bf16(values_of(rank, count));
    changed += (rounded - values_of(rank, count)).square().sum(at::kDouble).item<double>();
    sum += rounded;
  }
  const at::Tensor expected = through_bf16(sum);
  changed += (expected - sum).square().sum(at::kDouble).item<double>();
  run_thread_ranks(ranks, [&, count = count](Communicator& comm) {
    const at::Tensor values = values_of(comm.rank(), count);
    const at::Tensor all = at::full({1}, all_reduce_bf16(comm, values, "test"), at::kDouble);
    EXPECT_TRUE(at::equal(values, expected));
    comm.all_reduce_now(all, ReduceOp::kSum, "test");
    EXPECT_NEAR(all.item<double>(), changed, 1e-9 * changed);
  });
}

INSTANTIATE_TEST_SUITE_P(RanksAndSizes, Wire,
                         testing::Combine(testing::Values(1, 2, 3, 4),
                                          testing::Values(1, 2, 5, 1000)));

TEST(Wire, ANonFiniteValueStaysOne) {
  run_thread_ranks(2, [](Communicator& comm) {
    const at::Tensor values = at::ones({4});
    if (comm.rank() == 1) values[2] = NAN;
    (void)all_reduce_bf16(comm, values, "test");
    EXPECT_TRUE(std::isnan(values[2].item<float>()));
    EXPECT_EQ(values[3].item<float>(), 2);
  });
}

}  // namespace
}  // namespace spc
