#include "train/round_agreement.h"

#include "base/error.h"
#include "base/file.h"
#include "base/json.h"
#include "base/log.h"
#include "pseudo/agreement.h"
#include "pseudo/labels.h"
#include "train/label_truth.h"

namespace spc {
namespace {

// The speakers of the utterances that have one.
Labels speakers_of(const ShardSet& shards) {
  const std::vector<int32_t> speakers = speaker_numbers(shards);
  Labels labels;
  for (size_t i = 0; i < speakers.size(); ++i) {
    if (speakers[i] < 0) continue;
    const UtteranceEntry& entry = shards.utts()[i];
    if (static_cast<size_t>(speakers[i]) == labels.names.size()) labels.names.push_back(entry.spk);
    labels.utts.push_back(entry.utt);
    labels.classes.push_back(speakers[i]);
  }
  return labels;
}

}  // namespace

void report_agreement(const std::filesystem::path& round, const AgreementSources& sources,
                      RunFolder& folder, Metrics& metrics) {
  const Labels clusters = read_labels(round / "labels");
  std::vector<std::pair<std::string, Labels>> references;
  references.emplace_back("speakers", speakers_of(sources.shards));
  if (!sources.recordings.empty())
    references.emplace_back("recordings", read_labels(sources.recordings));
  if (!sources.previous_labels.empty())
    references.emplace_back("previous_round", read_labels(sources.previous_labels));
  JsonObject all;
  for (const auto& [name, reference] : references) {
    const LabelPairs pairs = pair_up(clusters, reference);
    if (pairs.labels.empty()) {
      log_info(concat(round.filename().string(), ": no ", name, " are known of its utterances"));
      continue;
    }
    const Agreement result = agreement(pairs.labels, pairs.reference);
    all.raw(name, to_json(result));
    log_info(concat(round.filename().string(), ": clusters and ", name, " of ", result.utterances,
                    " utterances: NMI ", result.nmi, ", AMI ", result.ami, ", purity ",
                    result.purity, ", pairwise F1 ", result.pairwise_f1, ", accuracy ",
                    result.accuracy));
    metrics.set("spcnet_cluster_nmi_ratio", result.nmi, {name});
    metrics.set("spcnet_cluster_ami_ratio", result.ami, {name});
    metrics.set("spcnet_cluster_purity_ratio", result.purity, {name});
    if (name == "previous_round")
      metrics.set("spcnet_cluster_reassigned_ratio", 1 - result.accuracy);
    folder.log_json(JsonObject()
                        .set("event", "agreement")
                        .set("stage", round.filename().string())
                        .set("reference", name)
                        .raw("agreement", to_json(result))
                        .str());
  }
  write_text_atomically(round / "agreement.json", all.str() + "\n");
}

}  // namespace spc
