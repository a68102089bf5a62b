#include "dist/gradient_reducer.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <cmath>

#include "base/error.h"
#include "dist/thread_communicator.h"
#include "unit/dist/given_gradients.h"
#include "unit/temporary_folder.h"

namespace spc {
namespace {

constexpr int kRanks = 3;

struct Shape {
  std::vector<int64_t> sizes;
  at::ScalarType type;
};
const std::vector<Shape> kShapes{{{3}, at::kFloat}, {{2, 5}, at::kFloat},     {{1}, at::kFloat},
                                 {{}, at::kDouble}, {{40, 3, 2}, at::kFloat}, {{7}, at::kFloat}};
constexpr size_t kUndefinedOnOneRank = 1;
constexpr size_t kUndefinedOnAllRanks = 5;

bool has_gradient(int rank, size_t p) {
  return !(p == kUndefinedOnAllRanks || (p == kUndefinedOnOneRank && rank == 1));
}

at::Tensor gradient_of(int rank, size_t p) {
  const at::Tensor tensor = at::empty(kShapes[p].sizes, kShapes[p].type);
  const at::Tensor steps = at::arange(tensor.numel(), at::kLong).view(kShapes[p].sizes);
  return (steps * (rank + 1) + 100 * static_cast<int64_t>(p) - 7 * rank)
      .to(kShapes[p].type);  // integers: sums are exact
}

at::Tensor sum_over_ranks(size_t p) {
  at::Tensor sum = at::zeros(kShapes[p].sizes, kShapes[p].type);
  for (int rank = 0; rank < kRanks; ++rank) {
    if (has_gradient(rank, p)) sum += gradient_of(rank, p);
  }
  return sum;
}

std::vector<at::Tensor> make_parameters() {
  std::vector<at::Tensor> parameters;
  for (const Shape& shape : kShapes)
    parameters.push_back(at::zeros(shape.sizes, shape.type).set_requires_grad(true));
  return parameters;
}

std::vector<at::Tensor> gradients_of(int rank) {
  std::vector<at::Tensor> gradients;
  for (size_t p = 0; p < kShapes.size(); ++p)
    gradients.push_back(has_gradient(rank, p) ? gradient_of(rank, p) : at::Tensor());
  return gradients;
}

struct Buckets {
  int64_t bytes, first_bytes;
  size_t expected;  // one for each run of one type at least, one for each parameter at most
  bool in_stream = false;
  [[nodiscard]] ReducerOptions options() const {
    ReducerOptions options{bytes, first_bytes};
    options.in_stream = in_stream;
    return options;
  }
};
class GradientReducerTest : public testing::TestWithParam<Buckets> {};

TEST_P(GradientReducerTest, EveryGradientBecomesTheSumOverRanks) {
  run_thread_ranks(kRanks, [](Communicator& comm) {
    const std::vector<at::Tensor> parameters = make_parameters();
    GradientReducer reducer(comm, parameters, GetParam().options());
    EXPECT_EQ(reducer.num_buckets(), GetParam().expected);
    reducer.begin();
    backward_giving(parameters, gradients_of(comm.rank()));
    reducer.leave();
    reducer.finish();
    for (size_t p = 0; p < parameters.size(); ++p) {
      if (has_gradient(comm.rank(), p)) {
        EXPECT_TRUE(at::equal(parameters[p].grad(), sum_over_ranks(p)))
            << "parameter " << p << ", rank " << comm.rank();
      } else {
        EXPECT_FALSE(parameters[p].grad().defined())
            << "parameter " << p << ", rank " << comm.rank();
      }
    }
  });
}

TEST_P(GradientReducerTest, CarriesNothingOverToTheNextStep) {
  run_thread_ranks(kRanks, [](Communicator& comm) {
    const std::vector<at::Tensor> parameters = make_parameters();
    GradientReducer reducer(comm, parameters, GetParam().options());
    for (int step = 0; step < 3; ++step) {
      const bool left_out = step == 2 && comm.rank() == 1;
      std::vector<at::Tensor> ones;
      for (const at::Tensor& each : parameters)
        ones.push_back(left_out ? at::Tensor() : at::ones_like(each));
      reducer.begin();
      backward_giving(parameters, ones);
      reducer.leave();
      reducer.finish();
    }
    for (const at::Tensor& each : parameters) {
      if (comm.rank() == 1) {
        EXPECT_FALSE(each.grad().defined());
      } else {
        EXPECT_TRUE(at::equal(each.grad(), at::full_like(each, kRanks - 1)));
      }
    }
  });
}

INSTANTIATE_TEST_SUITE_P(
    BucketSizes, GradientReducerTest,
    testing::Values(Buckets{1, 1, 6}, Buckets{1024, 1024, 3}, Buckets{1024, 4, 4},
                    Buckets{ReducerOptions().bucket_bytes, ReducerOptions().first_bucket_bytes, 3},
                    Buckets{1, 1, 6, true}, Buckets{1024, 4, 4, true}),
    [](const auto& each) {
      return concat(each.param.bytes, "_", each.param.first_bytes,
                    each.param.in_stream ? "_in_stream" : "");
    });

TEST(GradientReducer, TheFirstBucketIsFilledFromTheEndUpToItsOwnLimit) {
  run_thread_ranks(2, [](Communicator& comm) {
    std::vector<at::Tensor> parameters;
    for (int i = 0; i < 10; ++i)
      parameters.push_back(at::zeros({100}).set_requires_grad(true));             // 400 bytes each
    EXPECT_EQ(GradientReducer(comm, parameters, {1200, 800}).num_buckets(), 4u);  // 2 + 3 + 3 + 2
    EXPECT_EQ(GradientReducer(comm, parameters, {4000, 400}).num_buckets(), 2u);  // 1 + 9
  });
}

// Layers one after the other: the gradient of the last is there first.
TEST(GradientReducer, BucketsLeaveWhileBackwardRuns) {
  run_thread_ranks(2, [](Communicator& comm) {
    std::vector<at::Tensor> parameters;
    for (int i = 0; i < 4; ++i) parameters.push_back(at::ones({10}).set_requires_grad(true));
    GradientReducer reducer(comm, parameters, {1, 1});
    reducer.begin();
    at::Tensor x = at::ones({10});
    for (const at::Tensor& each : parameters) x = x * each;
    x.sum().backward();
    reducer.leave();
    reducer.finish();
    EXPECT_EQ(reducer.num_overlapped(), 4u) << "all were complete when backward ended";

    reducer.begin();  // the third of four is not reached: those behind it wait for finish()
    (parameters[0] * parameters[2] * parameters[3]).sum().backward();
    reducer.leave();
    reducer.finish();
    EXPECT_EQ(reducer.num_overlapped(), 2u);
    EXPECT_TRUE(at::equal(parameters[0].grad(), at::full({10}, 2)));
    EXPECT_FALSE(parameters[1].grad().defined());
  });
}

TEST(GradientReducer, WithoutOverlapAllBucketsLeaveAtTheEnd) {
  run_thread_ranks(2, [](Communicator& comm) {
    const at::Tensor parameter = at::ones({10}).set_requires_grad(true);
    GradientReducer reducer(comm, {parameter}, {1, 1, false});
    reducer.begin();
    (parameter * (comm.rank() + 1)).sum().backward();
    reducer.leave();
    reducer.finish();
    EXPECT_EQ(reducer.num_overlapped(), 0u);
    EXPECT_TRUE(at::equal(parameter.grad(), at::full({10}, 3)));
  });
}

TEST(GradientReducer, KnowsTheRankAndTheParameterOfANonFiniteValue) {
  for (const auto& [ranks, in_stream] : {std::pair(1, false), {3, false}, {3, true}}) {
    run_thread_ranks(ranks, [&, ranks = ranks, in_stream = in_stream](Communicator& comm) {
      const std::vector<at::Tensor> parameters = make_parameters();
      ReducerOptions options;
      options.in_stream = in_stream;
      GradientReducer reducer(comm, parameters, options);
      for (const bool bad : {true, false}) {
        std::vector<at::Tensor> gradients = gradients_of(0);
        if (bad && comm.rank() == ranks - 1) {
          gradients[4].select(0, 7).select(0, 1)[0] = NAN;
          gradients[1][1][3] = INFINITY;
        }
        reducer.begin();
        backward_giving(parameters, gradients);
        reducer.leave();
        reducer.finish();
        const std::optional<size_t> found = reducer.first_nonfinite();
        if (bad && comm.rank() == ranks - 1) {
          EXPECT_EQ(found, 4u) << "of the two the one nearer to the loss";
        } else {
          EXPECT_EQ(found, std::nullopt);
        }
      }
    });
  }
}

TEST(GradientReducer, ARankThatFailsLeavesNobodyWaiting) {
  EXPECT_EQ(message_of<std::runtime_error>([] {
              run_thread_ranks(2, [](Communicator& comm) {
                const std::vector<at::Tensor> parameters = make_parameters();
                GradientReducer reducer(comm, parameters, {1, 1});
                reducer.begin();
                backward_giving(parameters, gradients_of(0));  // its buckets leave, nobody answers
                if (comm.rank() == 1) throw std::runtime_error("disk full");
                reducer.leave();
                reducer.finish();
              });
            }),
            "disk full");
}

TEST(GradientReducer, ASingleRankHasNothingToSend) {
  const std::unique_ptr<Communicator> comm = make_solo_communicator();
  const std::vector<at::Tensor> parameters = make_parameters();
  GradientReducer reducer(*comm, parameters);
  EXPECT_EQ(reducer.num_buckets(), 0u);
  for (int step = 0; step < 2; ++step) {
    reducer.begin();
    backward_giving(parameters, gradients_of(0));
    reducer.leave();
    reducer.finish();
  }
  EXPECT_TRUE(at::equal(parameters[0].grad(), gradient_of(0, 0)));
  EXPECT_FALSE(parameters[kUndefinedOnAllRanks].grad().defined());
}

// What a GPU repeats, the host does not see: gradients appear where they were, and are summed.
TEST(GradientReducer, RecallsWhereRecordedGradientsAreAndWhichThereWere) {
  run_thread_ranks(2, [](Communicator& comm) {
    const std::vector<at::Tensor> parameters = make_parameters();
    ReducerOptions options;
    options.in_stream = true;
    GradientReducer reducer(comm, parameters, options);
    EXPECT_THROW(reducer.recall(), Error) << "nothing is remembered";
    reducer.begin();
    backward_giving(parameters, gradients_of(comm.rank()));
    reducer.leave();
    reducer.remember();
    reducer.finish();
    std::vector<at::Tensor> places;
    for (const at::Tensor& parameter : parameters) places.push_back(parameter.grad());

    at::Tensor prototypes = parameters[4];
    prototypes.mutable_grad().reset();  // as for a layer that is frozen for a step
    reducer.begin();
    for (const at::Tensor& parameter : parameters) EXPECT_FALSE(parameter.grad().defined());
    for (const at::Tensor& place : places)
      if (place.defined()) place.fill_(7);
    reducer.recall();
    reducer.finish();
    for (size_t p = 0; p < parameters.size(); ++p) {
      ASSERT_EQ(parameters[p].grad().defined(), has_gradient(comm.rank(), p)) << p;
      if (!has_gradient(comm.rank(), p)) continue;
      EXPECT_EQ(parameters[p].grad().const_data_ptr(), places[p].const_data_ptr()) << p;
      EXPECT_TRUE(at::equal(parameters[p].grad(), at::full_like(parameters[p], 7))) << p;
    }
  });
}

TEST(GradientReducer, AddsPassesUpAndCommunicatesInTheLastOne) {
  run_thread_ranks(kRanks, [](Communicator& comm) {
    const std::vector<at::Tensor> parameters = make_parameters();
    GradientReducer reducer(comm, parameters, {1, 1});  // a bucket for each parameter
    for (int step = 0; step < 2; ++step) {
      reducer.begin(3);
      for (int pass = 0; pass < 3; ++pass) {
        if (pass > 0) reducer.next_pass();
        std::vector<at::Tensor> gradients = gradients_of(comm.rank());
        if (pass == 2) gradients[2].reset();  // reached by earlier passes alone
        backward_giving(parameters, gradients);
        for (size_t p = 0; p < parameters.size() && pass < 2; ++p) {
          if (!has_gradient(comm.rank(), p)) continue;
          EXPECT_TRUE(at::equal(parameters[p].grad(), gradients[p] * (pass + 1)));
        }
      }
      reducer.leave();
      reducer.finish();
      // The last parameter is reached by no rank, so nothing can leave before the end.
      EXPECT_EQ(reducer.num_overlapped(), 0U);
      for (size_t p = 0; p < parameters.size(); ++p) {
        if (!has_gradient(comm.rank(), p)) continue;
        EXPECT_TRUE(at::equal(parameters[p].grad(), sum_over_ranks(p) * (p == 2 ? 2 : 3)))
            << "parameter " << p;
      }
    }
  });
}

TEST(GradientReducer, BucketsLeaveInTheLastPassOfSeveral) {
  run_thread_ranks(2, [](Communicator& comm) {
    const std::vector<at::Tensor> parameters{at::zeros({2}).set_requires_grad(true),
                                             at::zeros({3}).set_requires_grad(true)};
    GradientReducer reducer(comm, parameters, {1, 1});
    reducer.begin(2);
    const auto pass = [&] { backward_giving(parameters, {at::ones({2}), at::ones({3})}); };
    pass();
    reducer.next_pass();
    pass();
    reducer.leave();
    reducer.finish();
    EXPECT_EQ(reducer.num_overlapped(), 2U);
    EXPECT_TRUE(at::equal(parameters[1].grad(), at::full({3}, 4.0)));
    EXPECT_THROW(reducer.next_pass(), Error);
    reducer.begin(2);
    EXPECT_THROW(reducer.leave(), Error) << "a pass is missing";
  });
}

}  // namespace
}  // namespace spc
