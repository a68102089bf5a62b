#include "train/label_ledger.h"

#include <ATen/ATen.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "base/random.h"

namespace spc {
namespace {

using testing::HasSubstr;

constexpr int64_t kLedgerUtts = 1000;

LossGateConfig gate_from(int64_t first_epoch) {
  LossGateConfig config;
  config.enabled = true;
  config.first_epoch = first_epoch;
  return config;
}

LabelCorrectionConfig correction_from(int64_t first_epoch) {
  LabelCorrectionConfig config;
  config.type = "fix";
  config.first_epoch = first_epoch;
  return config;
}

// An epoch in which the first `good` labels have small losses.
void add_epoch(LabelLedger& ledger, int64_t good, int64_t decision_of_bad = kTrusted) {
  Random random(1, {});
  for (int64_t utt = 0; utt < kLedgerUtts; ++utt) {
    const bool is_good = utt < good;
    ledger.add(utt, std::exp((is_good ? -0.8 : 1.7) + 0.4 * random.normal()),
               is_good ? kTrusted : decision_of_bad);
  }
}

TEST(LabelLedgerTest, TheGateOfAnEpochIsSetByTheOneBefore) {
  LabelLedger ledger(kLedgerUtts, gate_from(1), {}, 0);
  EXPECT_EQ(ledger.threshold_in(0), INFINITY);
  add_epoch(ledger, 700);
  const LabelReport report = ledger.end_epoch(0);
  EXPECT_EQ(report.trusted, kLedgerUtts);
  EXPECT_EQ(report.gate->which, GateCase::kCrossing);
  EXPECT_NEAR(report.kept, 0.7, 0.01);
  EXPECT_FALSE(report.opened);
  EXPECT_EQ(ledger.threshold_in(1), *report.gate->threshold);
  EXPECT_EQ(ledger.threshold_in(0), INFINITY) << "a straggler of the epoch before has no gate";
}

TEST(LabelLedgerTest, LossesOfAGrowingMarginAreNotFitted) {
  LabelLedger ledger(kLedgerUtts, gate_from(1), {}, 1.5);
  for (const int64_t epoch : {0, 1}) {
    add_epoch(ledger, 700);
    EXPECT_FALSE(ledger.end_epoch(epoch).gate.has_value());
    EXPECT_EQ(ledger.threshold_in(epoch + 1), INFINITY);
  }
  add_epoch(ledger, 700);
  EXPECT_TRUE(ledger.end_epoch(2).gate.has_value());
  EXPECT_LT(ledger.threshold_in(3), INFINITY);
}

TEST(LabelLedgerTest, AGateThatTrustsTooFewOpens) {
  LabelLedger ledger(kLedgerUtts, gate_from(1), {}, 0);
  add_epoch(ledger, 200);
  const LabelReport report = ledger.end_epoch(0);
  EXPECT_NEAR(report.kept, 0.2, 0.01);
  EXPECT_TRUE(report.opened);
  ASSERT_EQ(report.warnings.size(), 1);
  EXPECT_THAT(report.warnings[0], HasSubstr("less than loss_gate.min_kept; it opens"));
  EXPECT_EQ(ledger.threshold_in(1), INFINITY);
}

TEST(LabelLedgerTest, AGateThatIsOnlyLoggedNeverCloses) {
  LossGateConfig config = gate_from(1);
  config.enabled = false;
  LabelLedger ledger(kLedgerUtts, config, {}, 0);
  add_epoch(ledger, 200);
  const LabelReport report = ledger.end_epoch(0);
  EXPECT_TRUE(report.gate->threshold.has_value());
  EXPECT_TRUE(report.warnings.empty());
  EXPECT_EQ(ledger.threshold_in(1), INFINITY);
}

TEST(LabelLedgerTest, CorrectionsHaveACap) {
  LabelLedger ledger(kLedgerUtts, gate_from(1), correction_from(2), 0);
  EXPECT_EQ(ledger.corrections_left(1, 10, true), 0) << "too early";
  EXPECT_EQ(ledger.corrections_left(2, 10, true), 3) << "30 % of them";
  for (int64_t utt = 0; utt < 70; ++utt) ledger.add(utt, 1, kTrusted);
  EXPECT_EQ(ledger.corrections_left(2, 10, false), 24) << "30 % of 80";
  EXPECT_EQ(ledger.corrections_left(3, 10, true), 3) << "of the next epoch, in the same batch";
  for (int64_t utt = 70; utt < 100; ++utt) ledger.add(utt, 1, 5);
  EXPECT_EQ(ledger.corrections_left(2, 3, false), 0) << "30 of 103 are the cap";
  EXPECT_EQ(ledger.corrections_left(2, 4, false), 1) << "31 of 104 would be";
  LabelLedger off(kLedgerUtts, gate_from(1), {}, 0);
  off.add(0, 1, kTrusted);
  EXPECT_EQ(off.corrections_left(9, 10, false), 0);
}

TEST(LabelLedgerTest, AHubIsWarnedOf) {
  LabelLedger ledger(kLedgerUtts, gate_from(1), correction_from(1), 0);
  add_epoch(ledger, 900, 4);
  const LabelReport report = ledger.end_epoch(1);
  EXPECT_EQ(report.corrected, 100);
  EXPECT_EQ(report.hub, 4);
  EXPECT_EQ(report.hub_share, 1);
  ASSERT_EQ(report.warnings.size(), 1);
  EXPECT_EQ(report.warnings[0].substr(0, 49), "100 % of 100 corrections went to one class; is it");

  LabelLedger spread(kLedgerUtts, gate_from(1), correction_from(1), 0);
  for (int64_t utt = 0; utt < kLedgerUtts; ++utt)
    spread.add(utt, 1 + 0.001 * static_cast<double>(utt), utt < 100 ? utt % 10 : kTrusted);
  const LabelReport calm = spread.end_epoch(1);
  EXPECT_NEAR(calm.hub_share, 0.1, 1e-12);
  EXPECT_TRUE(calm.warnings.empty());
}

TEST(LabelLedgerTest, CountsBeginAnewWithEveryEpoch) {
  LabelLedger ledger(kLedgerUtts, gate_from(1), correction_from(1), 0);
  add_epoch(ledger, 900, 4);
  (void)ledger.end_epoch(0);
  add_epoch(ledger, 900, kDropped);
  const LabelReport report = ledger.end_epoch(1);
  EXPECT_EQ(report.trusted, 900);
  EXPECT_EQ(report.corrected, 0);
  EXPECT_EQ(report.dropped, 100);
}

TEST(LabelLedgerTest, UtterancesWithoutALossAreCountedAndLeftOut) {
  LabelLedger ledger(kLedgerUtts, gate_from(1), {}, 0);
  EXPECT_FALSE(ledger.end_epoch(0).gate.has_value()) << "no loss at all";
  for (int64_t utt = 0; utt < 600; ++utt) ledger.add(utt, utt < 400 ? 0.1 : 5, kTrusted);
  const LabelReport report = ledger.end_epoch(1);
  EXPECT_EQ(report.unknown, 400);
  EXPECT_NEAR(report.gate->mixture.low.weight, 2.0 / 3, 1e-6);
}

}  // namespace
}  // namespace spc
