#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "train/collapse_monitor.h"
#include "train/progress.h"

namespace spc {
namespace {

using testing::HasSubstr;

const double kUniform = std::log(1000);

// Ten steps in each epoch from `first` on, one loss and entropy an epoch; what was said, and when.
struct Epoch {
  double loss, entropy;
};
std::vector<std::pair<double, std::string>> said(CollapseMonitor& monitor,
                                                 const std::vector<Epoch>& epochs) {
  std::vector<std::pair<double, std::string>> warnings;
  for (size_t epoch = 0; epoch < epochs.size(); ++epoch) {
    for (int step = 0; step < 10; ++step) {
      const double time = static_cast<double>(epoch) + 0.1 * step;
      const std::string warning = monitor.add(time, epochs[epoch].loss, epochs[epoch].entropy);
      if (!warning.empty()) warnings.emplace_back(time, warning);
    }
  }
  return warnings;
}

TEST(CollapseMonitor, WarnsOnceAnEpochWhenTheLossStaysAtThatOfChance) {
  CollapseMonitor monitor(kUniform, 1);
  const Epoch collapsed{kUniform * 1.009, 3};
  const auto warnings = said(monitor, {collapsed, {5, 3}, collapsed, collapsed, {5, 3}});
  ASSERT_EQ(warnings.size(), 2u);
  EXPECT_EQ(warnings[0].first, 3);
  EXPECT_EQ(warnings[1].first, 4);
  EXPECT_THAT(warnings[0].second,
              HasSubstr("collapse: in epoch 2 the loss stayed within 1 % of ln K = 6.90"));
  EXPECT_THAT(warnings[1].second, HasSubstr("in epoch 3"));
}

TEST(CollapseMonitor, WarnsWhenTheTeacherAlwaysPointsAtOnePrototype) {
  CollapseMonitor monitor(kUniform, 0);
  const auto warnings = said(monitor, {{2, 0.009 * kUniform}, {2, 1}});
  ASSERT_EQ(warnings.size(), 1u);
  EXPECT_THAT(warnings[0].second,
              HasSubstr("collapse: in epoch 0 the teacher's entropy stayed near 0"));
}

TEST(CollapseMonitor, IsSilentDuringTheWarmUpAndWhenAllIsWell) {
  const Epoch collapsed{kUniform, 3};
  CollapseMonitor patient(kUniform, 3);
  EXPECT_TRUE(said(patient, {collapsed, collapsed, collapsed, {5, 3}, {5, 3}}).empty());
  CollapseMonitor content(kUniform, 0);
  EXPECT_TRUE(
      said(content, {{kUniform * 1.02, 3}, {kUniform * 0.98, 3}, {5, 0.02 * kUniform}, {5, 3}})
          .empty());
}

TEST(CollapseMonitor, OneStepThatLooksAliveClearsTheEpoch) {
  CollapseMonitor monitor(kUniform, 0);
  for (int step = 0; step < 10; ++step)
    EXPECT_EQ(monitor.add(0.1 * step, step == 4 ? 5 : kUniform, 3), "");
  EXPECT_EQ(monitor.add(1.0, kUniform, 3), "");
  for (int step = 1; step < 10; ++step) EXPECT_EQ(monitor.add(1 + 0.1 * step, kUniform, 3), "");
  EXPECT_NE(monitor.add(2.0, 5, 3), "") << "and the next epoch starts with a clean sheet";
}

StepResult step_result(double loss, bool finite = true) {
  StepResult result;
  result.loss = loss;
  result.finite = finite;
  result.grad_norm = 10 * loss;
  result.figures = {{"kl", loss / 2}};
  result.reduce_seconds = 0.5;
  return result;
}

// The number after `key` in a line of JSON.
double number_in(const std::string& json, const std::string& key) {
  const size_t found = json.find("\"" + key + "\": ");
  EXPECT_NE(found, std::string::npos) << key << " in " << json;
  return found == std::string::npos ? NAN : std::stod(json.substr(found + key.size() + 4));
}

ScheduleValues some_values() {
  ScheduleValues values;
  values.epoch = 1.25;
  values.lr = 0.0625;
  values.teacher_temp = 0.05;
  values.momentum_teacher = 0.996;
  return values;
}

TEST(Progress, ReportsMeansSinceTheLastReport) {
  Progress progress(5, 32, 100);
  progress.add(step_result(3), {0.25});
  progress.add(step_result(4), {0.75});
  progress.add_save(2);
  const Progress::Report report = progress.report(40, some_values(), 2);
  EXPECT_THAT(report.line,
              testing::StartsWith("step 40/100  epoch 1.25  loss 3.5000  lr 0.0625  "));
  EXPECT_THAT(report.line,
              testing::ContainsRegex("[0-9.]+ samples/s  data-wait [0-9.]+ %  comm-wait [0-9.]+ %  "
                                     "ETA [0-9.]+ (s|min|h)$"));
  EXPECT_EQ(number_in(report.json, "step"), 40);
  EXPECT_EQ(number_in(report.json, "epoch"), 1.25);
  EXPECT_EQ(number_in(report.json, "samples"), 40 * 32);
  EXPECT_EQ(number_in(report.json, "loss"), 3.5);
  EXPECT_EQ(number_in(report.json, "lr"), 0.0625);
  EXPECT_EQ(number_in(report.json, "teacher_temp"), 0.05);
  EXPECT_EQ(number_in(report.json, "momentum_teacher"), 0.996);
  EXPECT_EQ(number_in(report.json, "grad_norm"), 40);
  EXPECT_EQ(number_in(report.json, "kl"), 2);
  EXPECT_EQ(number_in(report.json, "skipped_steps"), 2);
  // However long it took: two steps of 32 in that time, 60 steps left, one second of it waiting for
  // data and one for ranks.
  EXPECT_NEAR(number_in(report.json, "eta_s") * number_in(report.json, "samples_per_s"), 60 * 32,
              1e-6);
  EXPECT_NEAR(number_in(report.json, "data_wait") / number_in(report.json, "samples_per_s"),
              1.0 / 64, 1e-9);
  EXPECT_EQ(number_in(report.json, "reduce_wait"), number_in(report.json, "data_wait"));
  EXPECT_EQ(number_in(report.json, "save_wait"), 2 * number_in(report.json, "data_wait"));

  progress.add(step_result(8), {0});
  const Progress::Report with_others = progress.report(41, some_values(), 2, {3, 1.25});
  EXPECT_EQ(number_in(with_others.json, "rank_wait"), 0);
  const std::string& next = with_others.json;
  EXPECT_EQ(number_in(next, "slowest_rank"), 3);
  EXPECT_EQ(number_in(next, "slowest_ratio"), 1.25);
  EXPECT_THAT(with_others.line, HasSubstr("  slowest rank 3 x1.25  ETA "));
  EXPECT_EQ(number_in(next, "loss"), 8) << "a new interval";
  EXPECT_EQ(number_in(next, "save_wait"), 0);
}

TEST(Progress, WhatAStepDidNotDoItselfItWaitedFor) {
  Progress progress(5, 32, 100);
  progress.add(step_result(3), {1, 2, 10});  // data, own, whole
  const std::string json = progress.report(1, some_values(), 0).json;
  EXPECT_NEAR(number_in(json, "rank_wait") / number_in(json, "data_wait"), 7, 1e-9);
}

TEST(Progress, ASkippedStepHasNoLoss) {
  Progress progress(5, 32, 100);
  progress.add(step_result(3), {0});
  progress.add(step_result(NAN, false), {0});
  std::string json = progress.report(2, some_values(), 1).json;
  EXPECT_EQ(number_in(json, "loss"), 3);
  EXPECT_EQ(number_in(json, "grad_norm"), 30);
  EXPECT_THAT(json, testing::Not(HasSubstr("nan")));

  progress.add(step_result(NAN, false), {0});
  const Progress::Report all_skipped = progress.report(3, some_values(), 2);
  EXPECT_THAT(all_skipped.json, HasSubstr("\"loss\": null"));
  EXPECT_THAT(all_skipped.json, HasSubstr("\"grad_norm\": null"));
  EXPECT_THAT(all_skipped.line, HasSubstr("loss nan"));
}

TEST(Progress, IsDueAfterItsInterval) {
  EXPECT_TRUE(Progress(0, 1, 1).due());
  EXPECT_FALSE(Progress(1e6, 1, 1).due());
}

}  // namespace
}  // namespace spc
