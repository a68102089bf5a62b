#include "train/label_ledger.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "base/error.h"

namespace spc {
namespace {

constexpr double kAll = std::numeric_limits<double>::infinity();
constexpr int64_t kFewCorrections = 20;  // too few to call a class a hub
enum Count { kCountTrusted, kCountCorrected, kCountDropped, kNumCounts };

}  // namespace

LabelLedger::LabelLedger(int64_t num_utts, const LossGateConfig& gate,
                         const LabelCorrectionConfig& correction, double margin_warmup_epochs)
    : gate_(gate),
      correction_(correction),
      margin_warmup_epochs_(margin_warmup_epochs),
      losses_(at::full({num_utts}, std::numeric_limits<float>::quiet_NaN(), at::kFloat)),
      decisions_(at::full({num_utts}, kTrusted, at::kLong)),
      counts_(at::zeros({kNumCounts}, at::kLong)),
      threshold_(at::full({1}, kAll, at::kDouble)) {
  state_ = {{"losses", losses_, false},
            {"decisions", decisions_, false},
            {"counts", counts_, false},
            {"threshold", threshold_, false}};
}

double LabelLedger::threshold_in(int64_t epoch) const {
  return gate_.enabled && epoch >= gate_.first_epoch ? threshold_.item<double>() : kAll;
}

int64_t LabelLedger::corrections_left(int64_t epoch, int64_t rows, bool begins) const {
  if (!correction_.enabled() || epoch < correction_.first_epoch) return 0;
  const int64_t seen = begins ? 0 : counts_.sum().item<int64_t>();
  const int64_t corrected = begins ? 0 : counts_.const_data_ptr<int64_t>()[kCountCorrected];
  const auto cap = static_cast<int64_t>(correction_.max_share * static_cast<double>(seen + rows));
  return std::max<int64_t>(0, cap - corrected);
}

void LabelLedger::add(int64_t utt, double loss, int64_t decision) {
  losses_.mutable_data_ptr<float>()[utt] = static_cast<float>(loss);
  decisions_.mutable_data_ptr<int64_t>()[utt] = decision;
  const Count count = decision == kTrusted   ? kCountTrusted
                      : decision == kDropped ? kCountDropped
                                             : kCountCorrected;
  ++counts_.mutable_data_ptr<int64_t>()[count];
}

LabelReport LabelLedger::end_epoch(int64_t epoch) {
  const auto* counts = counts_.const_data_ptr<int64_t>();
  LabelReport report;
  report.epoch = epoch;
  report.trusted = counts[kCountTrusted];
  report.corrected = counts[kCountCorrected];
  report.dropped = counts[kCountDropped];
  report.unknown = losses_.isnan().sum().item<int64_t>();
  look_for_hub(report);
  // While the margin grows, losses of one epoch are not of one kind.
  if (static_cast<double>(epoch) >= margin_warmup_epochs_) fit(report);
  counts_.zero_();
  return report;
}

void LabelLedger::fit(LabelReport& report) {
  std::vector<double> losses;
  const auto* all = losses_.const_data_ptr<float>();
  for (int64_t i = 0; i < losses_.size(0); ++i)
    if (!std::isnan(all[i])) losses.push_back(all[i]);
  if (losses.empty()) return;
  const double before = threshold_.item<double>();
  report.gate =
      fit_gate(losses, std::isfinite(before) ? std::optional(before) : std::nullopt, EmOptions{});
  const double threshold = report.gate->threshold.value_or(kAll);
  const auto below = [&](double loss) { return gate_value(loss) <= threshold; };
  report.kept = static_cast<double>(std::count_if(losses.begin(), losses.end(), below)) /
                static_cast<double>(losses.size());
  if (!report.gate->warning.empty()) report.warnings.push_back(report.gate->warning);
  report.opened = gate_.enabled && report.kept < gate_.min_kept;
  if (report.opened)
    report.warnings.push_back(concat("the gate would trust ", 100 * report.kept,
                                     " % of the labels, less than loss_gate.min_kept; it opens"));
  threshold_.fill_(report.opened ? kAll : threshold);
}

// A class that draws corrections from everywhere is a place where the network sends what it does
// not know.
void LabelLedger::look_for_hub(LabelReport& report) const {
  if (report.corrected == 0) return;
  const at::Tensor corrected = decisions_.masked_select(decisions_.ge(0));
  const at::Tensor counts = at::bincount(corrected);
  const auto [most, hub] = counts.max(0);
  report.hub = hub.item<int64_t>();
  report.hub_share =
      static_cast<double>(most.item<int64_t>()) / static_cast<double>(corrected.size(0));
  if (corrected.size(0) >= kFewCorrections && report.hub_share > correction_.hub_share)
    report.warnings.push_back(concat(100 * report.hub_share, " % of ", corrected.size(0),
                                     " corrections went to one class; is it a hub? Raise "
                                     "label_correction.threshold, or switch the correction off"));
}

}  // namespace spc
