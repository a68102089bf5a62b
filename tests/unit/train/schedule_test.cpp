#include "train/schedule.h"

#include <gtest/gtest.h>

#include <cmath>
#include <numbers>

namespace spc {
namespace {

constexpr int64_t kUtts = 1000;

RunConfig schedule_config() {
  RunConfig config;
  config.train.epochs = 10;
  config.train.batch_size = 128;
  config.optim.lr = 0.2;
  config.optim.min_lr = 1e-3;
  config.optim.warmup_epochs = 2;
  config.dino.warmup_teacher_temp = 0.04;
  config.dino.teacher_temp = 0.07;
  config.dino.warmup_teacher_temp_epochs = 5;
  config.dino.momentum_teacher = 0.99;
  config.dino.freeze_last_layer_epochs = 1;
  return config;
}

TEST(Schedule, LearningRateWarmsUpInALineAndEndsOnACosine) {
  const Schedule schedule(schedule_config(), kUtts);
  EXPECT_DOUBLE_EQ(schedule.peak_lr(), 0.1);
  EXPECT_DOUBLE_EQ(schedule.final_lr(), 5e-4);
  EXPECT_EQ(schedule.at(0).lr, 0);
  EXPECT_DOUBLE_EQ(schedule.at(500).lr, 0.025);
  EXPECT_DOUBLE_EQ(schedule.at(1999).lr, 0.1 * 0.9995);
  EXPECT_DOUBLE_EQ(schedule.at(2000).lr, 0.1);
  for (const int64_t seen : {3000, 6000, 9999}) {
    const double fraction = static_cast<double>(seen - 2000) / 8000;
    EXPECT_DOUBLE_EQ(schedule.at(seen).lr,
                     5e-4 + 0.5 * (0.1 - 5e-4) * (1 + std::cos(std::numbers::pi * fraction)));
  }
  EXPECT_DOUBLE_EQ(schedule.at(10000).lr, 5e-4);
  EXPECT_DOUBLE_EQ(schedule.at(20000).lr, 5e-4) << "and stays there";
}

TEST(Schedule, LearningRateMayFallByAShareAnEpoch) {
  RunConfig config = schedule_config();
  config.optim.schedule = "exponential";
  config.optim.epoch_decay = 0.9;
  const Schedule schedule(config, kUtts);
  EXPECT_DOUBLE_EQ(schedule.at(500).lr, 0.025);
  EXPECT_DOUBLE_EQ(schedule.at(2000).lr, 0.1);
  EXPECT_DOUBLE_EQ(schedule.at(3000).lr, 0.09);
  EXPECT_DOUBLE_EQ(schedule.at(4500).lr, 0.1 * std::pow(0.9, 2.5));
  config.optim.min_lr = 0.1;
  EXPECT_DOUBLE_EQ(Schedule(config, kUtts).at(9000).lr, 0.05) << "never below min_lr";
}

TEST(Schedule, LearningRateIsScaledByTheBatchWhenAsked) {
  RunConfig config = schedule_config();
  config.train.batch_size = 512;
  EXPECT_DOUBLE_EQ(Schedule(config, kUtts).peak_lr(), 0.4);
  EXPECT_DOUBLE_EQ(Schedule(config, kUtts).final_lr(), 2e-3);
  config.optim.scale_lr = false;
  EXPECT_DOUBLE_EQ(Schedule(config, kUtts).peak_lr(), 0.2);
  EXPECT_DOUBLE_EQ(Schedule(config, kUtts).at(10000).lr, 1e-3);
}

TEST(Schedule, WithoutWarmUpTheLearningRateStartsAtItsPeak) {
  RunConfig config = schedule_config();
  config.optim.warmup_epochs = 0;
  EXPECT_DOUBLE_EQ(Schedule(config, kUtts).at(0).lr, 0.1);
  config.optim.warmup_epochs = 10;  // nothing is left for the cosine
  EXPECT_DOUBLE_EQ(Schedule(config, kUtts).at(9999).lr, 0.1 * 0.9999);
  EXPECT_TRUE(std::isfinite(Schedule(config, kUtts).at(10000).lr));
}

TEST(Schedule, TeacherTemperatureRisesInALineAndStays) {
  const Schedule schedule(schedule_config(), kUtts);
  EXPECT_DOUBLE_EQ(schedule.at(0).teacher_temp, 0.04);
  EXPECT_DOUBLE_EQ(schedule.at(2500).teacher_temp, 0.055);
  EXPECT_DOUBLE_EQ(schedule.at(5000).teacher_temp, 0.07);
  EXPECT_DOUBLE_EQ(schedule.at(9000).teacher_temp, 0.07);
  RunConfig config = schedule_config();
  config.dino.warmup_teacher_temp_epochs = 0;
  EXPECT_DOUBLE_EQ(Schedule(config, kUtts).at(0).teacher_temp, 0.07);
}

TEST(Schedule, MomentumGoesToOneOnACosine) {
  const Schedule schedule(schedule_config(), kUtts);
  EXPECT_DOUBLE_EQ(schedule.at(0).momentum_teacher, 0.99);
  EXPECT_DOUBLE_EQ(schedule.at(5000).momentum_teacher, 0.995);
  EXPECT_DOUBLE_EQ(schedule.at(2500).momentum_teacher,
                   1 - 0.005 * (1 + std::cos(std::numbers::pi / 4)));
  EXPECT_DOUBLE_EQ(schedule.at(10000).momentum_teacher, 1);
}

TEST(Schedule, MomentumMayEndBelowOne) {
  RunConfig config = schedule_config();
  config.dino.final_momentum_teacher = 0.97;
  const Schedule schedule(config, kUtts);
  EXPECT_DOUBLE_EQ(schedule.at(0).momentum_teacher, 0.99);
  EXPECT_DOUBLE_EQ(schedule.at(5000).momentum_teacher, 0.98);
  EXPECT_DOUBLE_EQ(schedule.at(10000).momentum_teacher, 0.97);
}

TEST(Schedule, TheLastLayerIsFrozenForItsEpochs) {
  const Schedule schedule(schedule_config(), kUtts);
  EXPECT_TRUE(schedule.at(0).freeze_last_layer);
  EXPECT_TRUE(schedule.at(999).freeze_last_layer);
  EXPECT_FALSE(schedule.at(1000).freeze_last_layer);
  RunConfig config = schedule_config();
  config.dino.freeze_last_layer_epochs = 0;
  EXPECT_FALSE(Schedule(config, kUtts).at(0).freeze_last_layer);
  config.dino.freeze_last_layer_epochs = 0.5;
  EXPECT_TRUE(Schedule(config, kUtts).at(499).freeze_last_layer);
  EXPECT_FALSE(Schedule(config, kUtts).at(500).freeze_last_layer);
}

TEST(Schedule, MeansTheSameForEveryBatchSize) {
  RunConfig config = schedule_config();
  config.optim.scale_lr = false;
  const Schedule small(config, kUtts);
  config.train.batch_size = 1000;
  const Schedule large(config, kUtts);
  for (int64_t seen = 0; seen <= 10000; seen += 250) {
    const ScheduleValues a = small.at(seen);
    const ScheduleValues b = large.at(seen);
    EXPECT_EQ(a.epoch, static_cast<double>(seen) / kUtts);
    EXPECT_EQ(a.epoch, b.epoch);
    EXPECT_EQ(a.lr, b.lr);
    EXPECT_EQ(a.teacher_temp, b.teacher_temp);
    EXPECT_EQ(a.momentum_teacher, b.momentum_teacher);
    EXPECT_EQ(a.freeze_last_layer, b.freeze_last_layer);
  }
}

TEST(Schedule, TheLastStepCompletesTheLastEpoch) {
  const auto steps = [](int64_t utts, double epochs, int64_t batch_size) {
    RunConfig config;
    config.train.epochs = epochs;
    config.train.batch_size = batch_size;
    return Schedule(config, utts).total_steps();
  };
  EXPECT_EQ(steps(1000, 10, 100), 100);
  EXPECT_EQ(steps(1000, 10, 128), 79);
  EXPECT_EQ(steps(1001, 1, 100), 11);
  EXPECT_EQ(steps(7, 3, 64), 1);
  EXPECT_EQ(steps(int64_t{1} << 31, 200, 1), int64_t{200} << 31);
  // Fractions that binary numbers only come near to.
  EXPECT_EQ(steps(100, 1.1, 10), 11);
  EXPECT_EQ(steps(1000, 2.3, 100), 23);
  EXPECT_EQ(steps(10, 0.25, 1), 3);
  EXPECT_EQ(steps(10, 0.001, 1), 1);
}

}  // namespace
}  // namespace spc
