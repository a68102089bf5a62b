#include "metrics/metrics.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <thread>

#include "base/error.h"

namespace spc {
namespace {

using testing::HasSubstr;
using testing::Not;

const std::map<std::string, std::string> kLabels = {{"run", "a"}, {"rank", "3"}, {"host", "h"}};

// The value of a series in the exported text, given as it stands there; NaN when it is not there.
double value_of(const Metrics& metrics, const std::string& series) {
  const std::string text = concat("\n", metrics.text());
  const size_t at = text.find(concat("\n", series, " "));
  return at == std::string::npos ? std::nan("") : std::stod(text.substr(at + series.size() + 2));
}

TEST(Metrics, CountersAndHistogramsAreThereFromTheStart) {
  Metrics metrics(kLabels, true);
  EXPECT_EQ(value_of(metrics, R"(spcnet_train_steps_total{host="h",rank="3",run="a"})"), 0);
  EXPECT_EQ(
      value_of(metrics,
               R"(spcnet_train_phase_seconds_total{host="h",rank="3",run="a",phase="update"})"),
      0);
  EXPECT_EQ(
      value_of(metrics, R"(spcnet_train_step_duration_seconds_count{host="h",rank="3",run="a"})"),
      0);
  EXPECT_THAT(metrics.text(), Not(HasSubstr("spcnet_train_loss{"))) << "a gauge has no value yet";
}

TEST(Metrics, TakeValues) {
  Metrics metrics(kLabels, true);
  metrics.add("spcnet_train_steps_total", 2);
  metrics.add("spcnet_train_steps_total", 3);
  metrics.set("spcnet_ssl_temperature", 0.04, {"teacher"});
  metrics.set("spcnet_train_loss", 5);
  metrics.set("spcnet_train_loss", 4.5);
  metrics.observe("spcnet_train_step_duration_seconds", 0.03);
  metrics.set_state("spcnet_run_state", "train");
  EXPECT_EQ(value_of(metrics, R"(spcnet_train_steps_total{host="h",rank="3",run="a"})"), 5);
  EXPECT_EQ(value_of(metrics, R"(spcnet_ssl_temperature{host="h",rank="3",run="a",net="teacher"})"),
            0.04);
  EXPECT_EQ(value_of(metrics, R"(spcnet_train_loss{host="h",rank="3",run="a"})"), 4.5);
  EXPECT_EQ(
      value_of(metrics,
               R"(spcnet_train_step_duration_seconds_bucket{host="h",rank="3",run="a",le="0.02"})"),
      0);
  EXPECT_EQ(
      value_of(metrics,
               R"(spcnet_train_step_duration_seconds_bucket{host="h",rank="3",run="a",le="0.04"})"),
      1);
  EXPECT_EQ(value_of(metrics, R"(spcnet_run_state{host="h",rank="3",run="a",state="train"})"), 1);
  EXPECT_EQ(value_of(metrics, R"(spcnet_run_state{host="h",rank="3",run="a",state="start"})"), 0);
}

TEST(Metrics, AnInfoHasOneSeriesAndAForgottenGaugeNone) {
  Metrics metrics(kLabels, true);
  metrics.set_info("spcnet_run_info", {"stage-1", "dino", "fp32", "cpu", "17"});
  metrics.set_info("spcnet_run_info", {"round-1", "pseudo_label", "fp32", "cpu", "17"});
  EXPECT_THAT(metrics.text(), Not(HasSubstr("stage-1")));
  EXPECT_THAT(metrics.text(), HasSubstr("stage=\"round-1\""));
  metrics.set("spcnet_ssl_temperature", 0.04, {"teacher"});
  metrics.set("spcnet_ssl_temperature", 0.1, {"student"});
  metrics.forget("spcnet_ssl_temperature");
  EXPECT_THAT(metrics.text(), Not(HasSubstr("spcnet_ssl_temperature")));
  metrics.set("spcnet_ssl_temperature", 0.2, {"student"});
  EXPECT_THAT(metrics.text(), HasSubstr("net=\"student\"} 0.2"));
}

TEST(Metrics, WhatIsNotFiniteChangesNothing) {
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  Metrics metrics(kLabels, true);
  metrics.set("spcnet_train_loss", 4);
  metrics.set("spcnet_train_loss", std::nan(""));
  metrics.set("spcnet_gate_log_loss_threshold", kInfinity);
  for (const double value : {std::nan(""), kInfinity, -kInfinity}) {
    metrics.observe("spcnet_train_step_duration_seconds", value);
    metrics.add("spcnet_train_steps_total", value);
  }
  EXPECT_EQ(value_of(metrics, R"(spcnet_train_loss{host="h",rank="3",run="a"})"), 4);
  EXPECT_EQ(value_of(metrics, R"(spcnet_gate_log_loss_threshold{host="h",rank="3",run="a"})"),
            kInfinity);
  EXPECT_EQ(
      value_of(metrics, R"(spcnet_train_step_duration_seconds_count{host="h",rank="3",run="a"})"),
      0);
  EXPECT_EQ(value_of(metrics, R"(spcnet_train_steps_total{host="h",rank="3",run="a"})"), 0);
}

TEST(Metrics, FiguresOfTheRunComeFromRankZeroAlone) {
  Metrics metrics(kLabels, false);
  metrics.set("spcnet_train_loss", 4);
  metrics.add("spcnet_gate_samples_total", 1, {"trusted"});
  metrics.set("spcnet_train_rank_loss", 3);
  EXPECT_THAT(metrics.text(), Not(HasSubstr("spcnet_train_loss")));
  EXPECT_THAT(metrics.text(), Not(HasSubstr("spcnet_gate_samples_total")));
  EXPECT_EQ(value_of(metrics, R"(spcnet_train_rank_loss{host="h",rank="3",run="a"})"), 3);
}

TEST(Metrics, TellOfTheProcess) {
  Metrics metrics(kLabels, false);
  EXPECT_GT(value_of(metrics, R"(process_resident_memory_bytes{host="h",rank="3",run="a"})"), 1e6);
  EXPECT_GE(value_of(metrics, R"(process_open_fds{host="h",rank="3",run="a"})"), 3);
  EXPECT_GT(value_of(metrics, R"(process_start_time_seconds{host="h",rank="3",run="a"})"), 1.6e9);
  const double before =
      value_of(metrics, R"(process_cpu_seconds_total{host="h",rank="3",run="a"})");
  volatile double work = 0;
  for (int i = 0; i < 50'000'000; ++i) work = work + 1;
  EXPECT_GT(value_of(metrics, R"(process_cpu_seconds_total{host="h",rank="3",run="a"})"), before);
}

TEST(Metrics, ThreadsCountTogether) {
  Metrics metrics(kLabels, true);
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t)
    threads.emplace_back([&] {
      for (int i = 0; i < 1000; ++i) metrics.add("spcnet_train_steps_total", 1);
    });
  for (std::thread& each : threads) each.join();
  EXPECT_EQ(value_of(metrics, R"(spcnet_train_steps_total{host="h",rank="3",run="a"})"), 4000);
}

}  // namespace
}  // namespace spc
