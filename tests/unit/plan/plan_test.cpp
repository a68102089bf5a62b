#include "plan/plan.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.h"
#include "plan/sizes.h"
#include "unit/plan/small_plan.h"

namespace spc {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

PlanRequest small_request(int nodes = 1, int ranks_per_node = 1) {
  PlanRequest request;
  request.train.config = small_config();
  OptionSet keys("");
  request.train.config.add_to(keys);
  request.train.resolved = keys.resolved();
  request.nodes = nodes;
  request.ranks_per_node = ranks_per_node;
  request.shape = small_shape(nodes * ranks_per_node);
  request.memory_limit = 1e12;
  request.operations_per_s = 1e9;
  return request;
}

TEST(Plan, IsStepsTimesWorkOverRate) {
  const Plan plan = make_plan(small_request());
  ASSERT_EQ(plan.stages.size(), 1U);
  const StagePlan& stage = plan.stages[0];
  EXPECT_EQ(stage.name, "dino");
  EXPECT_EQ(stage.steps, 125) << "10 epochs of 100 utterances, 8 a step";
  EXPECT_DOUBLE_EQ(stage.step_s, stage.work.operations / 1e9);
  EXPECT_DOUBLE_EQ(stage.train_hours, 125 * stage.step_s / 3600);
  EXPECT_EQ(stage.label_hours, 0);
  EXPECT_EQ(plan.shard_bytes, 100.0 * 300 * 24 * 2);
  EXPECT_TRUE(plan.problems.empty());
}

TEST(Plan, OfRoundsHasTheirStages) {
  PlanRequest request = small_request();
  request.rounds.count = 2;
  request.rounds.epochs_per_round = 4;
  request.rounds.finetune_epochs = 1;
  request.rounds.cluster.num_clusters = 7;
  const Plan plan = make_plan(request);
  std::vector<std::string> names;
  for (const StagePlan& stage : plan.stages) names.push_back(stage.name);
  EXPECT_THAT(names, ElementsAre("stage-1", "round-1", "round-2", "finetune"));
  EXPECT_EQ(plan.stages[1].steps, 50);
  EXPECT_GT(plan.stages[1].label_hours, 0);
  EXPECT_EQ(plan.stages[3].label_hours, 0) << "it takes those of the last round";
}

TEST(Plan, CountsTheNetworkThatNothingHides) {
  PlanRequest request = small_request(2);
  const double compute_s = make_plan(request).stages[0].step_s;
  request.link_bits_per_s = 1e15;
  const StagePlan fast = make_plan(request).stages[0];
  EXPECT_NEAR(fast.step_s, compute_s + static_cast<double>(fast.work.messages) * 50e-6, 1e-6)
      << "sums of batch norm wait for the way there and back";
  request.link_bits_per_s = fast.needed_link;
  const StagePlan enough = make_plan(request).stages[0];
  request.link_bits_per_s = fast.needed_link / 2;
  const StagePlan half = make_plan(request).stages[0];
  EXPECT_GT(half.step_s, enough.step_s + 0.9 * fast.work.backward / 1e9);
}

TEST(Plan, SaysWhatToChangeWhereMemoryIsShort) {
  PlanRequest request = small_request(1, 2);
  RunConfig config = small_config();
  config.train.accumulate = 2;
  request.memory_limit = 2 * predict_memory(config, request.shape).needed() + 2;
  const Plan plan = make_plan(request);
  ASSERT_EQ(plan.problems.size(), 1U);
  EXPECT_THAT(plan.problems[0], HasSubstr("dino needs "));
  EXPECT_THAT(plan.problems[0], HasSubstr("set train.accumulate 2 ("));
  EXPECT_THAT(plan.problems[0], HasSubstr("train.precision bf16 halves activations"));
  const double fixed = predict_memory(config, request.shape).fixed();
  request.memory_limit = 2 * fixed + 2;
  EXPECT_THAT(make_plan(request).problems[0],
              HasSubstr("even one utterance at a time is too much"));
  request.memory_limit = 2 * fixed - 2;
  EXPECT_THAT(make_plan(request).problems[0],
              HasSubstr("whatever the network, the program and the index of the utterances take " +
                        size_text(fixed) + "; use ranks with more memory, or fewer of them"));
  request.shape.arithmetic.gpu = true;
  EXPECT_THAT(make_plan(request).problems[0],
              HasSubstr("whatever the network, CUDA takes 1.50 GiB; use ranks with more memory"));
}

TEST(Plan, CountsWhatAStageDoesBesideTraining) {
  PlanRequest request = small_request();
  const auto names_of = [&](size_t stage) {
    std::vector<std::string> names;
    const Plan plan = make_plan(request);
    for (const PhaseMemory& phase : plan.stages[stage].phases) names.push_back(phase.name);
    return names;
  };
  EXPECT_THAT(names_of(0), ElementsAre("training"));
  request.shape.eval_utts = 50;
  EXPECT_THAT(names_of(0), ElementsAre("training", "evaluation"));
  request.rounds.count = 1;
  request.rounds.cluster.num_clusters = 7;
  EXPECT_THAT(names_of(0), ElementsAre("training", "evaluation"));
  EXPECT_THAT(names_of(1), ElementsAre("training", "evaluation", "extraction", "clustering"));
  const StagePlan round = make_plan(request).stages[1];
  EXPECT_EQ(round.fullest().name, "evaluation") << "its batch is extraction's, beside the networks";
  EXPECT_GT(round.fullest().memory.needed(), round.phases[0].memory.needed());
}

TEST(Plan, SaysWhatToChangeWhereEmbeddingsAreTooMuch) {
  PlanRequest request = small_request();
  request.rounds.count = 1;
  request.rounds.cluster.num_clusters = 7;
  const RunConfig config = make_plan(request).stages[1].config;
  request.memory_limit = extraction_memory(config, {3000, 3000}, request.shape).needed();
  const Plan plan = make_plan(request);
  ASSERT_EQ(plan.problems.size(), 1U) << "training fits";
  EXPECT_THAT(plan.problems[0], HasSubstr("round-1 needs "));
  EXPECT_THAT(plan.problems[0],
              HasSubstr(" a rank in its extraction and has " + size_text(request.memory_limit)));
  EXPECT_THAT(plan.problems[0],
              HasSubstr("set extract.batch_frames 3000 and extract.max_frames 3000 ("));
  request.rounds.extract = {3000, 3000};
  EXPECT_TRUE(make_plan(request).problems.empty());
  request.shape.eval_utts = 50;
  EXPECT_THAT(make_plan(request).problems[0], HasSubstr("leave out --trials"));
}

TEST(Plan, RefusesABatchThatHasNoRowForARank) {
  EXPECT_THROW(make_plan(small_request(3, 3)), UsageError);
}

TEST(Digits, AreThree) {
  EXPECT_EQ(digits_text(0), "0.00");
  EXPECT_EQ(digits_text(1234.4), "1234");
  EXPECT_EQ(digits_text(12.345), "12.3");
  EXPECT_EQ(digits_text(1), "1.00");
  EXPECT_EQ(digits_text(0.12345), "0.123");
  EXPECT_EQ(digits_text(0.0012345), "0.00123");
  EXPECT_EQ(size_text(1536), "1.50 KiB");
  EXPECT_EQ(size_text(1000.0 * (1 << 20)), "0.977 GiB");
}

}  // namespace
}  // namespace spc
