#include <gtest/gtest.h>

#include <mutex>

#include "unit/train/dino_cases.h"

namespace spc {
namespace {

constexpr int64_t kRows = 5;  // two ranks have 2 and 3, three have 1, 2 and 2

// `look(learner)` on rank 0 after `steps` steps on so many ranks.
template <class Look>
void after_steps(int ranks, int steps, const RunConfig& config, Precision precision, Look look) {
  run_thread_ranks(ranks, [&](Communicator& comm) {
    Learner learner(comm, config, precision);
    for (int step = 0; step < steps; ++step) EXPECT_TRUE(learner.run(step).finite);
    if (comm.rank() == 0) look(learner);
  });
}

RunConfig calm_config() {
  RunConfig config = dino_config(kRows);
  config.views.global_frames = 24;
  config.views.local_frames = 16;
  config.optim.clip_norm = 0.01;  // twenty steps stay in a region where rounding does not grow
  return config;
}

TEST(DinoRanks, TwentyStepsDoNotDependOnTheNumberOfRanks) {
  std::unique_ptr<Snapshot> alone;
  after_steps(1, 20, calm_config(), Precision::kFp64, [&](Learner& learner) {
    TensorTable all = learner.learned();
    for (const NamedTensor& each : learner.objective().state()) all.push_back(each);
    alone = std::make_unique<Snapshot>(all);
  });
  for (const int ranks : {2, 3}) {
    after_steps(ranks, 20, calm_config(), Precision::kFp64, [&](Learner& learner) {
      for (const TensorTable& table : {learner.optimizer_state(), learner.objective().state()}) {
        for (const NamedTensor& each : table) {
          EXPECT_LT(worst_difference(each.tensor, (*alone)[each.name]), 1e-9)
              << ranks << " ranks, " << each.name;
        }
      }
    });
  }
}

TEST(DinoRanks, LossAndMetricsAreThoseOfTheWholeBatch) {
  std::vector<StepResult> results(3);
  for (int ranks = 1; ranks <= 3; ++ranks) {
    run_thread_ranks(ranks, [&](Communicator& comm) {
      Learner learner(comm, calm_config());
      const StepResult result = learner.run(0);
      if (comm.rank() == ranks - 1) results[static_cast<size_t>(ranks - 1)] = result;
    });
  }
  for (const StepResult& result : results) {
    EXPECT_NEAR(result.loss, results[0].loss, 1e-10);
    EXPECT_NEAR(result.grad_norm, results[0].grad_norm, 1e-9 * results[0].grad_norm);
    for (const char* name : {"teacher_entropy", "kl", "center_norm"}) {
      EXPECT_NEAR(figure(result, name), figure(results[0], name), 1e-10) << name;
    }
  }
}

TEST(DinoRanks, GradientsInSinglePrecisionDoNotDependOnTheNumberOfRanks) {
  RunConfig config = calm_config();
  config.optim.clip_norm = 0;
  std::vector<std::vector<at::Tensor>> gradients;
  for (const int ranks : {1, 2, 3}) {
    run_thread_ranks(ranks, [&](Communicator& comm) {
      Learner learner(comm, config, Precision::kFp32);
      ScheduleValues values = dino_values(0);
      values.freeze_last_layer = false;
      (void)learner.run(learner.batch(0), values);
      if (comm.rank() > 0) return;
      gradients.emplace_back();
      for (const NamedTensor& each : learner.objective().parameters())
        gradients.back().push_back(each.tensor.grad().clone());
    });
  }
  double norm = 0;
  for (const at::Tensor& gradient : gradients[0])
    norm = std::max(norm, gradient.norm().item<double>());
  for (size_t p = 0; p < gradients[0].size(); ++p) {
    EXPECT_LT(worst_difference(gradients[1][p], gradients[0][p]), 1e-5 * norm);
    EXPECT_LT(worst_difference(gradients[2][p], gradients[0][p]), 1e-5 * norm);
  }
}

TEST(DinoRanks, WithoutSharedStatisticsTheyDoDepend) {
  RunConfig config = calm_config();
  config.train.sync_bn = false;
  std::vector<double> losses;
  for (const int ranks : {1, 2}) {
    run_thread_ranks(ranks, [&](Communicator& comm) {
      Learner learner(comm, config);
      const double loss = learner.run(0).loss;
      if (comm.rank() == 0) losses.push_back(loss);
    });
  }
  EXPECT_GT(std::abs(losses[1] - losses[0]), 1e-6);
}

// A micro-batch without shared statistics is what a rank of its own would compute.
TEST(DinoRanks, MicroBatchesAreAsManyRanks) {
  std::unique_ptr<Snapshot> four;
  StepResult of_four;
  for (const int ranks : {4, 2, 1}) {
    RunConfig config = calm_config();
    config.train.sync_bn = false;
    config.train.accumulate = 4 / ranks;
    run_thread_ranks(ranks, [&](Communicator& comm) {
      Learner learner(comm, config);
      StepResult result;
      for (int step = 0; step < 3; ++step) result = learner.run(step);
      if (comm.rank() > 0) return;
      if (ranks == 4) {
        four = std::make_unique<Snapshot>(learner.learned());
        of_four = result;
      }
      for (const NamedTensor& each : learner.learned())
        EXPECT_LT(worst_difference(each.tensor, (*four)[each.name]), 1e-10) << each.name;
      EXPECT_NEAR(result.loss, of_four.loss, 1e-10);
      for (const auto& [name, value] : of_four.figures)
        EXPECT_NEAR(figure(result, name), value, 1e-10) << name << ", " << ranks << " ranks";
    });
  }
}

TEST(DinoRanks, AllRanksEndWithTheSameBits) {
  std::mutex mutex;
  std::vector<Snapshot> ends;
  std::vector<TensorTable> tables;
  run_thread_ranks(3, [&](Communicator& comm) {
    Learner learner(comm, calm_config());
    for (int step = 0; step < 3; ++step) (void)learner.run(step);
    const std::lock_guard lock(mutex);
    ends.emplace_back(learner.objective().state());
    tables.push_back(learner.objective().state());
  });
  for (const TensorTable& table : tables) EXPECT_EQ(ends[0].distance(table), 0);
}

TEST(DinoRanks, AFrozenLastLayerDoesNotMove) {
  run_thread_ranks(2, [&](Communicator& comm) {
    Learner learner(comm);
    ScheduleValues values = dino_values(4);
    for (int step = 0; step < 2; ++step)
      (void)learner.run(learner.batch(step), values);  // now it has momentum
    const Snapshot before(learner.learned());
    EXPECT_GT(before["head.last.weight.momentum"].norm().item<double>(), 0);
    values.freeze_last_layer = true;
    for (int step = 2; step < 4; ++step) (void)learner.run(learner.batch(step), values);
    for (const char* frozen : {"student.head.last.weight", "head.last.weight.momentum"}) {
      EXPECT_TRUE(at::equal(tensor_named(learner.learned(), frozen), before[frozen])) << frozen;
    }
    for (const char* free : {"student.head.mlp.2.weight", "student.backbone.fc.weight",
                             "backbone.fc.weight.momentum"}) {
      EXPECT_FALSE(at::equal(tensor_named(learner.learned(), free), before[free])) << free;
    }
    values.freeze_last_layer = false;
    (void)learner.run(learner.batch(4), values);
    EXPECT_FALSE(
        at::equal(learner.tensor("student.head.last.weight"), before["student.head.last.weight"]));
  });
}

}  // namespace
}  // namespace spc
