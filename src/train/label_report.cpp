#include "train/label_report.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "base/error.h"
#include "base/json.h"
#include "base/log.h"
#include "store/embeddings.h"

namespace spc {
namespace {

std::string describe(const Gate& gate, double kept) {
  std::string text = "gate " + to_text(gate.which);
  if (!gate.reason.empty()) text += " (" + gate.reason + ")";
  if (gate.threshold)
    text += concat(" at a loss of ", std::exp(*gate.threshold), ", ", 100 * kept, " % below it");
  return text;
}

// {"first", "width", "counts"}: equal bins from the least to the largest value.
std::string histogram(const std::vector<double>& values) {
  constexpr size_t kBins = 60;
  if (values.empty()) return "null";
  const auto [least, largest] = std::minmax_element(values.begin(), values.end());
  const double width = std::max(*largest - *least, 1e-6) / kBins;
  std::array<int64_t, kBins> counts{};
  for (const double value : values)
    ++counts.at(std::min(kBins - 1, static_cast<size_t>((value - *least) / width)));
  JsonArray list;
  for (const int64_t count : counts) list.raw(std::to_string(count));
  return JsonObject().set("first", *least).set("width", width).raw("counts", list.str()).str();
}

}  // namespace

std::vector<double> log_losses(const at::Tensor& losses) {
  std::vector<double> logs;
  const auto* loss = losses.const_data_ptr<float>();
  for (int64_t i = 0; i < losses.size(0); ++i)
    if (std::isfinite(loss[i])) logs.push_back(gate_value(loss[i]));
  return logs;
}

void report_labels(const LabelReport& report, const at::Tensor& losses,
                   const TrainingLabels& labels, RunFolder& folder) {
  std::string line = concat("epoch ", report.epoch, ": ", report.trusted, " labels trusted, ",
                            report.corrected, " corrected, ", report.dropped, " dropped");
  JsonObject json;
  json.set("event", "labels")
      .set("epoch", report.epoch)
      .set("trusted", report.trusted)
      .set("corrected", report.corrected)
      .set("dropped", report.dropped)
      .set("unknown", report.unknown);
  if (report.hub >= 0)
    json.set("hub", labels.names[static_cast<size_t>(report.hub)])
        .set("hub_share", report.hub_share);
  if (report.gate) {
    const auto& [low, high, log_likelihood, iterations] = report.gate->mixture;
    line += "; " + describe(*report.gate, report.kept);
    json.set("gate", to_text(report.gate->which))
        .raw("threshold", report.gate->threshold ? json_number(*report.gate->threshold) : "null")
        .set("kept", report.kept)
        .set("opened", report.opened)
        .set("ashman_d", ashman_d(report.gate->mixture))
        .set("low_mean", low.mean)
        .set("high_mean", high.mean)
        .set("low_weight", low.weight)
        .set("low_variance", low.variance)
        .set("high_variance", high.variance)
        .raw("histogram", histogram(log_losses(losses)));
  }
  if (report.quality) {
    line += concat("; by the speakers ", 100 * report.quality->precision,
                   " % of the trusted labels are right");
    json.set("precision", report.quality->precision)
        .set("recall", report.quality->recall)
        .set("correction_accuracy", report.quality->correction_accuracy);
  }
  log_info(line);
  for (const std::string& warning : report.warnings)
    log_warning(concat("epoch ", report.epoch, ": ", warning));
  folder.log_json(json.str());
}

void save_losses(const std::filesystem::path& run, const ShardSet& shards, int64_t epoch,
                 const at::Tensor& losses, const at::Tensor& decisions) {
  LossFile file;
  file.epoch = epoch;
  file.utts = shards.ids();
  const auto* loss = losses.const_data_ptr<float>();
  file.losses.assign(loss, loss + losses.size(0));
  const at::Tensor narrow = decisions.to(at::kInt);
  const auto* decision = narrow.const_data_ptr<int32_t>();
  file.decisions.assign(decision, decision + decisions.size(0));
  try {
    write_loss_file(run / "losses.h5", file);
  } catch (const Error& error) {
    log_error(concat("the losses of epoch ", epoch, " are not kept: ", error.what()));
  }
}

}  // namespace spc
