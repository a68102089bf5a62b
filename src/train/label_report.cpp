#include "train/label_report.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <charconv>
#include <cmath>

#include "base/error.h"
#include "base/json.h"
#include "base/log.h"
#include "store/embeddings.h"
#include "store/tensor_file.h"

namespace spc {
namespace {

std::string describe(const Gate& gate, double kept) {
  std::string text = "gate " + to_text(gate.which);
  if (!gate.reason.empty()) text += " (" + gate.reason + ")";
  if (gate.threshold)
    text += concat(" at a loss of ", std::exp(*gate.threshold), ", ", 100 * kept, " % below it");
  return text;
}

int64_t cluster_number(const std::string& label, int64_t clusters,
                       const std::filesystem::path& path) {
  int64_t number = -1;
  const char* end = label.data() + label.size();
  const auto [at, problem] = std::from_chars(label.data(), end, number);
  SPC_CHECK(problem == std::errc() && at == end && number >= 0 && number < clusters, "the label ",
            label, " is none of the ", clusters, " clusters of ", path.string(),
            "; --head-init must come from the same `spcnet cluster` as --labels");
  return number;
}

}  // namespace

void report_labels(const LabelReport& report, const TrainingLabels& labels, RunFolder& folder) {
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
        .set("low_weight", low.weight);
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
  for (const UtteranceEntry& entry : shards.utts()) file.utts.push_back(entry.utt);
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

void init_head_from(const std::filesystem::path& centroids, const TrainingLabels& labels,
                    const TensorTable& state) {
  const auto head = std::find_if(state.begin(), state.end(), [](const NamedTensor& each) {
    return each.name == "student.head.weight";
  });
  SPC_ASSERT(head != state.end(), "a network without a classifier");
  const TensorFile file(centroids);
  SPC_CHECK(file.contains("means"), centroids.string(),
            " holds no means of clusters; it is made by `spcnet cluster`");
  const std::vector<int64_t>& shape = file.tensors().at("means").shape;
  const int64_t dim = head->tensor.size(1);
  SPC_CHECK(shape.size() == 2 && shape[1] == dim, centroids.string(), " is of embeddings of ",
            shape.back(), " dimensions, the network makes ", dim,
            "; take the clusters of this network, or leave out --head-init");
  at::Tensor means = at::empty(shape);
  file.read("means", means.mutable_data_ptr());
  std::vector<int64_t> rows;
  for (const std::string& name : labels.names)
    rows.push_back(cluster_number(name, shape[0], centroids));
  at::Tensor weight = head->tensor.detach();
  weight.copy_(means.index_select(0, at::tensor(rows, at::kLong)));
  log_info(concat("the classifier starts from the means of ", rows.size(), " clusters of ",
                  centroids.string()));
}

}  // namespace spc
