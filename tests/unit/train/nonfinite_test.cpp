#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>
#include <mutex>

#include "unit/train/dino_cases.h"

namespace spc {
namespace {

struct BadValue {
  const char* name;
  float value;
  bool global;  // in a global view, which the teacher sees too
  bool sync_bn;
};
// For the names of the tests; gtest would print bytes, and a pointer's bytes change.
void PrintTo(const BadValue& bad, std::ostream* out) {
  *out << bad.name;
}
class NonFinite : public testing::TestWithParam<BadValue> {};

// Two good steps with a bad one between them, beside a run that never saw the bad one.
TEST_P(NonFinite, AStepIsSkippedOnAllRanksAndLeavesNoTrace) {
  RunConfig config = dino_config();
  config.train.sync_bn = GetParam().sync_bn;
  run_thread_ranks(2, [&](Communicator& comm) {
    Learner learner(comm, config);
    Learner control(comm, config);
    EXPECT_TRUE(learner.run(0).finite);
    EXPECT_TRUE(control.run(0).finite);

    Batch bad = learner.batch(1);
    if (comm.rank() == 1) (GetParam().global ? bad.global : bad.local)[77] = GetParam().value;
    const StepResult result = learner.run(bad, dino_values(1));
    EXPECT_FALSE(result.finite);
    // Shared statistics spread it to every rank, and the first is named.
    EXPECT_EQ(result.first_nonfinite, GetParam().sync_bn ? "rank 0: loss" : "rank 1: loss");
    EXPECT_EQ(Snapshot(control.learned()).distance(learner.learned()), 0)
        << "parameters, momentum, centre";
    EXPECT_EQ(not_finite(learner.objective().state()), "") << "running statistics";

    const StepResult next = learner.run(2);
    EXPECT_TRUE(next.finite) << next.first_nonfinite;
    EXPECT_EQ(next.first_nonfinite, "");
    EXPECT_EQ(next.loss, control.run(2).loss);
    EXPECT_EQ(Snapshot(control.learned()).distance(learner.learned()), 0);
    EXPECT_EQ(not_finite(learner.objective().state()), "");
  });
}

constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
constexpr float kInf = std::numeric_limits<float>::infinity();
INSTANTIATE_TEST_SUITE_P(Batches, NonFinite,
                         testing::Values(BadValue{"nan", kNan, true, true},
                                         BadValue{"nan_local", kNan, false, true},
                                         BadValue{"nan_own_statistics", kNan, true, false},
                                         BadValue{"inf", kInf, true, true},
                                         BadValue{"minus_inf_own_statistics", -kInf, false, false}),
                         [](const auto& each) { return each.param.name; });

// An objective by hand: loss() is a function of two parameters; notes what it is asked to do.
class NotingObjective : public Objective {
 public:
  explicit NotingObjective(double root) {
    parameters_ = {{"backbone.root", at::full({2}, root, at::kDouble).set_requires_grad(true)},
                   {"head.line", at::full({1, 2}, 1.0, at::kDouble).set_requires_grad(true)}};
  }
  [[nodiscard]] const std::vector<NamedTensor>& parameters() const override { return parameters_; }
  void load(const Batch&, RowRange rows, const ScheduleValues&) override {
    if (rows.begin == 0) figures_ = {{"rows", 0}};
    figures_[0].second += static_cast<double>(rows.size());
  }
  at::Tensor loss() override {
    notes += "loss ";
    return parameters_[0].tensor.sqrt().sum() +
           3 * parameters_[1].tensor.sum();  // at 0 the root is finite, its gradient is not
  }
  [[nodiscard]] bool repeatable() const override { return false; }
  void share() override { notes += "share "; }
  [[nodiscard]] Figures figures() const override { return figures_; }
  void before_update(const ScheduleValues&) override { notes += "before "; }
  void after_update(const ScheduleValues&) override { notes += "after "; }
  void skip_update() override { notes += "skip "; }
  [[nodiscard]] const TensorTable& state() const override { return parameters_; }
  [[nodiscard]] std::string network() const override { return "student"; }
  [[nodiscard]] const SpcNet& backbone() const override { throw Error("it has no network"); }
  [[nodiscard]] double uniform_loss() const override { return 1; }
  std::string notes;

 private:
  std::vector<NamedTensor> parameters_;
  Figures figures_;
};

TEST(Stepper, NamesTheFirstRankAndTheTensorWhoseGradientIsNotFinite) {
  run_thread_ranks(3, [](Communicator& comm) {
    NotingObjective objective(comm.rank() == 0 ? 4 : 0);
    OptimConfig config;
    const auto optimizer = make_optimizer(config, objective.parameters());
    const Snapshot before(objective.state());
    const StepResult result =
        Stepper(objective, *optimizer, comm, {}).run({}, dino_values(0), false);
    EXPECT_FALSE(result.finite);
    EXPECT_EQ(result.first_nonfinite, "rank 1: gradient of backbone.root");
    EXPECT_EQ(objective.notes, "loss share skip ");
    EXPECT_EQ(before.distance(objective.state()), 0);
  });
}

TEST(Stepper, SumsLossGradientsAndMetricsOverRanks) {
  run_thread_ranks(3, [](Communicator& comm) {
    NotingObjective objective(4);
    OptimConfig config;
    config.weight_decay = 0;
    const auto optimizer = make_optimizer(config, objective.parameters());
    Stepper stepper(objective, *optimizer, comm, {});
    Batch batch;
    batch.places.resize(static_cast<size_t>(comm.rank() + 1));
    ScheduleValues values;
    values.lr = 0.1;
    const StepResult result = stepper.run(batch, values, false);
    EXPECT_TRUE(result.finite);
    EXPECT_FALSE(result.stop);
    EXPECT_NEAR(result.loss, 3 * (4 + 6), 1e-12);
    EXPECT_EQ(figure(result, "rows"), 1 + 2 + 3);
    EXPECT_NEAR(result.grad_norm, std::sqrt(2 * 0.75 * 0.75 + 2 * 81), 1e-12);
    EXPECT_EQ(objective.notes, "loss share before after ");
    EXPECT_LT(worst_difference(objective.parameters()[0].tensor,
                               at::full({2}, 4 - 0.1 * 0.75, at::kDouble)),
              1e-12);
    EXPECT_LT(worst_difference(objective.parameters()[1].tensor,
                               at::full({1, 2}, 1 - 0.1 * 9, at::kDouble)),
              1e-12);
  });
}

TEST(Stepper, OneRankAskedToStopStopsAllAfterTheUpdate) {
  run_thread_ranks(3, [](Communicator& comm) {
    NotingObjective objective(4);
    const auto optimizer = make_optimizer({}, objective.parameters());
    Stepper stepper(objective, *optimizer, comm, {});
    EXPECT_FALSE(stepper.run({}, dino_values(0), false).stop);
    EXPECT_TRUE(stepper.run({}, dino_values(0), comm.rank() == 2).stop);
    EXPECT_EQ(objective.notes, "loss share before after loss share before after ");
  });
}

TEST(Stepper, GradientsDoNotAddUpOverSteps) {
  const auto comm = make_solo_communicator();
  NotingObjective objective(4);
  const auto optimizer = make_optimizer({}, objective.parameters());
  Stepper stepper(objective, *optimizer, *comm, {});
  ScheduleValues values;
  values.lr = 0;
  const double first = stepper.run({}, values, false).grad_norm;
  EXPECT_EQ(stepper.run({}, values, false).grad_norm, first);
}

}  // namespace
}  // namespace spc
