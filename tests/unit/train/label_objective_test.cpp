#include <gtest/gtest.h>

#include <cmath>

#include "loss/aam_loss.h"
#include "unit/train/dino_cases.h"
#include "unit/train/label_cases.h"

namespace spc {
namespace {

RunConfig gated(const std::string& correction) {
  RunConfig config = label_config();
  config.loss_gate.enabled = true;
  config.loss_gate.first_epoch = 1;
  config.loss_gate.min_kept = 0;
  config.label_correction.type = correction;
  config.label_correction.first_epoch = 1;
  config.label_correction.threshold = 0.3;
  config.label_correction.max_share = 1;
  return config;
}

// Sets the gate so that about half of the labels are trusted.
void set_threshold(LabelLearner& learner, double loss) {
  learner.tensor("labels.threshold").fill_(std::log(loss));
}

double middle_loss(LabelLearner& learner) {
  return learner.tensor("labels.losses").median().item<double>();
}

TEST(LabelObjective, TheLossOfAStepIsThatOfItsRows) {
  run_thread_ranks(1, [](Communicator& comm) {
    LabelLearner learner(comm);
    const Batch batch = learner.batch(0);
    const StepResult result = learner.run(0);
    EXPECT_NEAR(result.loss, figure(result, "label_loss"), 1e-12);
    EXPECT_EQ(figure(result, "trusted"), 1);
    EXPECT_EQ(figure(result, "corrected"), 0);
    const at::Tensor& losses = learner.tensor("labels.losses");
    double sum = 0;
    for (const Sampler::Place& place : batch.places) sum += losses[place.utt].item<double>() / 5;
    EXPECT_NEAR(result.loss, sum, 1e-6);
    EXPECT_EQ(losses.isnan().sum().item<int64_t>(), kLabelUtts - 5);
    EXPECT_NEAR(learner.objective().uniform_loss(), std::log(3), 1e-15);
  });
}

TEST(LabelObjective, LearnsTheClasses) {
  run_thread_ranks(1, [](Communicator& comm) {
    LabelLearner learner(comm);
    const double first = learner.run(0).loss;
    StepResult last;
    for (int step = 1; step < 60; ++step) last = learner.run(step);
    EXPECT_LT(last.loss, 0.8 * first);
  });
}

// Everything at once: gate, correction, epochs that end amid a batch, a share for every rank.
TEST(LabelObjective, StepsDoNotDependOnTheNumberOfRanksNorOnTheKernels) {
  const std::vector<std::pair<int, std::string>> ways{
      {1, "fused"}, {2, "fused"}, {3, "fused"}, {1, "plain"}, {2, "plain"}};
  for (const char* correction : {"soft", "fix"}) {
    std::unique_ptr<Snapshot> alone;
    for (const auto& [ranks, kernels] : ways) {
      RunConfig config = gated(correction);
      config.train.kernels = kernels;
      run_thread_ranks(ranks, [&](Communicator& comm) {
        SCOPED_TRACE(concat(correction, ", ", comm.world_size(), " ranks, ", config.train.kernels));
        LabelLearner learner(comm, config);
        double corrected = 0;
        double dropped = 0;
        for (int step = 0; step < 12; ++step) {
          if (step == 3) set_threshold(learner, middle_loss(learner));
          const StepResult result = learner.run(step);
          EXPECT_TRUE(result.finite);
          corrected += figure(result, "corrected");
          dropped += 1 - figure(result, "trusted") - figure(result, "corrected");
        }
        EXPECT_GT(corrected, 0);
        if (comm.rank() > 0) return;
        const TensorTable& state = learner.objective().state();
        if (!alone) alone = std::make_unique<Snapshot>(state);
        for (const NamedTensor& each : state) {
          if (each.name == "labels.threshold" || each.tensor.isnan().any().item<bool>()) continue;
          EXPECT_LT(worst_difference(each.tensor, (*alone)[each.name]), 1e-7) << each.name;
        }
      });
    }
  }
}

TEST(LabelObjective, MicroBatchesAddUp) {
  run_thread_ranks(1, [&](Communicator& comm) {
    RunConfig config = gated("fix");
    config.train.batch_size = 6;
    config.train.accumulate = 3;
    LabelLearner learner(comm, config);
    const Batch batch = learner.batch(0);
    const StepResult result = learner.run(0);
    EXPECT_NEAR(figure(result, "trusted"), 1, 1e-12);
    double sum = 0;
    for (const Sampler::Place& place : batch.places)
      sum += learner.tensor("labels.losses")[place.utt].item<double>();
    EXPECT_NEAR(result.loss, sum / 6, 1e-6);
    EXPECT_NEAR(figure(result, "label_loss"), sum / 6, 1e-6);
  });
}

TEST(LabelObjective, ALabelAboveTheGateIsNotTrainedOn) {
  run_thread_ranks(1, [](Communicator& comm) {
    LabelLearner learner(comm, gated("off"));
    for (int step = 0; step < 3; ++step) learner.run(step);  // into the second epoch
    set_threshold(learner, 1e-9);
    const StepResult result = learner.run(3);
    EXPECT_EQ(figure(result, "trusted"), 0);
    EXPECT_EQ(result.loss, 0);
    EXPECT_EQ(result.grad_norm, 0);
    EXPECT_GT(figure(result, "label_loss"), 0) << "its loss is kept all the same";
  });
}

TEST(LabelObjective, TheGateIsOnlyLoggedBeforeItsFirstEpoch) {
  run_thread_ranks(1, [](Communicator& comm) {
    RunConfig config = gated("off");
    config.loss_gate.first_epoch = 2;
    LabelLearner learner(comm, config);
    for (int step = 0; step < 3; ++step) learner.run(step);
    set_threshold(learner, 1e-9);
    EXPECT_EQ(figure(learner.run(3), "trusted"), 1);
  });
}

TEST(LabelObjective, ACorrectionIsTrainedOnInPlaceOfTheLabel) {
  for (const char* type : {"soft", "fix"}) {
    run_thread_ranks(1, [&](Communicator& comm) {
      RunConfig config = gated(type);
      config.label_correction.threshold = 0;
      LabelLearner learner(comm, config);
      for (int step = 0; step < 3; ++step) learner.run(step);
      set_threshold(learner, 1e-9);
      const StepResult result = learner.run(3);
      EXPECT_EQ(figure(result, "trusted"), 0);
      EXPECT_EQ(figure(result, "corrected"), 1);
      EXPECT_GT(result.grad_norm, 0);
      const at::Tensor& decisions = learner.tensor("labels.decisions");
      for (const Sampler::Place& place : learner.batch(3).places) {
        const int64_t decision = decisions[place.utt].item<int64_t>();
        EXPECT_TRUE(decision >= 0 && decision < 3) << decision;
      }
    });
  }
}

// The running statistics are those of the augmented rows alone.
TEST(LabelObjective, TheCleanViewLeavesNoTrace) {
  std::vector<at::Tensor> statistics;
  for (const char* type : {"off", "fix"}) {
    run_thread_ranks(1, [&](Communicator& comm) {
      RunConfig config = gated(type);
      config.label_correction.threshold = 1;  // looked at, never accepted
      LabelLearner learner(comm, config);
      for (int step = 0; step < 3; ++step) learner.run(step);
      set_threshold(learner, 1e-9);
      learner.run(3);
      statistics.push_back(learner.tensor("student.backbone.stem.bn.running_mean").clone());
    });
  }
  EXPECT_TRUE(at::equal(statistics[0], statistics[1]));
}

TEST(LabelObjective, TellsOfEveryEpochOnce) {
  run_thread_ranks(2, [](Communicator& comm) {
    std::vector<LabelReport> reports;
    const auto on_epoch = [&](const LabelReport& report, const at::Tensor& losses,
                              const at::Tensor& decisions) {
      reports.push_back(report);
      EXPECT_FALSE(losses.isnan().any().item<bool>());
      EXPECT_EQ(decisions.size(0), kLabelUtts);
    };
    LabelLearner learner(comm, label_config(), on_epoch);
    for (int step = 0; step < 12; ++step) learner.run(step);  // sixty rows: five epochs
    ASSERT_EQ(reports.size(), 5);
    for (size_t i = 0; i < 5; ++i) {
      EXPECT_EQ(reports[i].epoch, static_cast<int64_t>(i));
      EXPECT_EQ(reports[i].trusted, kLabelUtts);
      EXPECT_TRUE(reports[i].gate.has_value());
    }
  });
}

}  // namespace
}  // namespace spc
