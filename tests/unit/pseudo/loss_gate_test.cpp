#include "pseudo/loss_gate.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "base/error.h"
#include "base/random.h"

namespace spc {
namespace {

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

struct GateRow {
  const char* name;
  Gaussian low;
  Gaussian high;
  GateCase without_previous;
  const char* reason;
};
class GateTable : public testing::TestWithParam<GateRow> {};

TEST_P(GateTable, DecidesEveryCase) {
  const auto& [name, low, high, without_previous, reason] = GetParam();
  const Mixture mixture{low, high, 0, 0};
  const Gate first = decide_gate(mixture, std::nullopt);
  EXPECT_EQ(first.which, without_previous);
  EXPECT_EQ(first.threshold.has_value(), without_previous == GateCase::kCrossing);
  EXPECT_THAT(first.reason, testing::HasSubstr(reason));
  EXPECT_EQ(first.reason.empty(), without_previous == GateCase::kCrossing);

  const Gate later = decide_gate(mixture, 0.75);
  if (without_previous == GateCase::kNoGate) {
    EXPECT_EQ(later.which, GateCase::kKeptPrevious);
    EXPECT_EQ(later.threshold, 0.75);
    EXPECT_EQ(later.reason, first.reason);
  } else {
    EXPECT_EQ(later.which, without_previous);
    EXPECT_EQ(later.threshold, first.threshold);
  }
}
INSTANTIATE_TEST_SUITE_P(
    Rows, GateTable,
    testing::Values(
        GateRow{"crossing", {0.7, -1, 0.3}, {0.3, 1.5, 0.2}, GateCase::kCrossing, ""},
        GateRow{"reliable swallowed",
                {0.05, 0, 4},
                {0.95, 0.5, 1},
                GateCase::kNoGate,
                "the reliable component lies under"},
        GateRow{"unreliable swallowed",
                {0.97, 0, 1},
                {0.03, 1, 4},
                GateCase::kKeepAll,
                "the unreliable component lies under"},
        GateRow{"one peak", {0.5, 0, 1}, {0.5, 1, 1}, GateCase::kNoGate, "one peak"},
        GateRow{
            "few reliable", {0.01, -3, 0.1}, {0.99, 3, 0.1}, GateCase::kNoGate, "a share of 0.01"},
        GateRow{"few unreliable",
                {0.99, -3, 0.1},
                {0.01, 3, 0.1},
                GateCase::kNoGate,
                "a share of 0.01"},
        GateRow{"all the same",
                {0.5, 2, 1e-3},
                {0.5, 2, 1e-3},
                GateCase::kNoGate,
                "the reliable component lies under"},
        GateRow{"no reliable at all",
                {0, -3, 0.1},
                {1, 3, 0.1},
                GateCase::kNoGate,
                "the reliable component lies under"}),
    [](const auto& row) {
      std::string name = row.param.name;
      std::replace(name.begin(), name.end(), ' ', '_');
      return name;
    });

TEST(Crossing, OfEqualVariancesIsTheClosedForm) {
  const Mixture mixture{{0.8, -1, 0.25}, {0.2, 1.4, 0.25}, 0, 0};
  EXPECT_NEAR(*crossing(mixture), 0.2 + 0.25 * std::log(4) / 2.4, 1e-14);
}

// The sign of the difference on a grid says whether there is a crossing, and where, to a step.
TEST(Crossing, EqualsAGridForRandomMixtures) {
  constexpr int kSteps = 200;
  int crossings = 0;
  for (uint64_t draw = 0; draw < 100'000; ++draw) {
    Random random(5, {draw});
    const double weight = random.uniform(0.001, 0.999);
    const double low = random.uniform(-3, 3);
    const double high = low + random.uniform(0.001, 4);
    const auto variance = [&] { return std::exp(random.uniform(-7, 2)); };
    const Mixture mixture{{weight, low, variance()}, {1 - weight, high, variance()}, 0, 0};
    const auto is_low = [&](int step) {
      const double u = low + (high - low) * step / kSteps;
      return log_density(mixture.low, u) > log_density(mixture.high, u);
    };
    int changes = 0;
    int at = 0;
    for (int step = 1; step <= kSteps; ++step) {
      if (is_low(step) == is_low(step - 1)) continue;
      ++changes;
      at = step;
    }
    ASSERT_LE(changes, 1) << "draw " << draw;
    const std::optional<double> found = crossing(mixture);
    ASSERT_EQ(found.has_value(), changes == 1) << "draw " << draw;
    if (!found) continue;
    ++crossings;
    const double step = (high - low) / kSteps;
    ASSERT_GE(*found, low + (at - 1) * step - 1e-12) << "draw " << draw;
    ASSERT_LE(*found, low + at * step + 1e-12) << "draw " << draw;
  }
  EXPECT_GT(crossings, 20'000);
}

std::vector<double> losses_of_two_kinds(int64_t good, int64_t bad) {
  Random random(1, {});
  std::vector<double> losses;
  for (int64_t i = 0; i < good; ++i) losses.push_back(std::exp(-2 + 0.7 * random.normal()));
  for (int64_t i = 0; i < bad; ++i) losses.push_back(std::exp(1.5 + 0.3 * random.normal()));
  return losses;
}

TEST(LossGate, SeparatesTwoKinds) {
  const Gate gate = fit_gate(losses_of_two_kinds(1400, 600), std::nullopt, EmOptions{});
  EXPECT_EQ(gate.which, GateCase::kCrossing);
  EXPECT_NEAR(gate.mixture.low.weight, 0.7, 0.01);
  EXPECT_GT(*gate.threshold, 0);
  EXPECT_LT(*gate.threshold, 1);
  EXPECT_EQ(gate.warning, "");
}

TEST(LossGate, ALossOfZeroIsANumber) {
  EXPECT_EQ(gate_value(0), std::log(1e-6));
  std::vector<double> losses = losses_of_two_kinds(1400, 600);
  losses[3] = 0;
  EXPECT_TRUE(std::isfinite(fit_gate(losses, std::nullopt, EmOptions{}).mixture.low.mean));
}

TEST(LossGate, AFewLossesMayBeNoNumber) {
  std::vector<double> losses = losses_of_two_kinds(1400, 600);
  const Gate without = fit_gate(losses, std::nullopt, EmOptions{});
  losses.push_back(kNaN);
  losses.insert(losses.begin(), std::numeric_limits<double>::infinity());
  const Gate gate = fit_gate(losses, std::nullopt, EmOptions{});
  EXPECT_EQ(gate.excluded, 2);
  EXPECT_EQ(gate.threshold, without.threshold);
  losses.push_back(kNaN);
  try {
    fit_gate(losses, std::nullopt, EmOptions{});
    FAIL() << "3 of 2003 are more than one in a thousand";
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), testing::StartsWith("3 of 2003 losses are not finite numbers"));
  }
  EXPECT_THROW(fit_gate({kNaN}, std::nullopt, EmOptions{}), Error);
  EXPECT_THROW(fit_gate({}, std::nullopt, EmOptions{}), Error);
}

TEST(LossGate, AnImplausibleThresholdIsWarnedOf) {
  std::vector<double> losses = losses_of_two_kinds(1400, 600);
  for (double& loss : losses) loss *= 20;
  const Gate gate = fit_gate(losses, std::nullopt, EmOptions{});
  EXPECT_EQ(gate.which, GateCase::kCrossing);
  EXPECT_THAT(gate.warning, testing::StartsWith("the gate is at a loss of "));
}

}  // namespace
}  // namespace spc
