#include <cstdio>
#include <iostream>

#include "app/commands.h"
#include "base/error.h"
#include "base/log.h"
#include "base/options.h"
#include "pseudo/agreement.h"
#include "pseudo/labels.h"

namespace spc {

int agreement_command(const Arguments& arguments) {
  OptionSet options(
      "usage: spcnet agreement --labels A --reference B [--json]\n"
      "  spcnet agreement --labels clusters/labels --reference utt2spk\n"
      "How well two labelings agree, over the utterances that both know. Files: `utt label` lines. "
      "All figures are in [0, 1] (ami may be a little below 0): nmi, ami (mutual information, "
      "arithmetic mean; ami corrected for chance), purity, inverse_purity, pairwise_f1, accuracy "
      "(under the best one-to-one assignment of labels).");
  std::string labels_path;
  std::string reference_path;
  bool json = false;
  options.add("labels", labels_path, "e.g. clusters");
  options.add("reference", reference_path, "e.g. speakers (utt2spk), or the clusters before");
  options.add_switch("json", json, "print JSON");
  if (!options.parse(arguments)) return kExitDone;
  SPC_USAGE_CHECK(!labels_path.empty(), "--labels A is missing");
  SPC_USAGE_CHECK(!reference_path.empty(), "--reference B is missing");

  const Labels labels = read_labels(labels_path);
  const LabelPairs pairs = pair_up(labels, read_labels(reference_path));
  SPC_CHECK(!pairs.labels.empty(), "no utterance is both in ", labels_path, " and in ",
            reference_path, "; their ids must be the same (the first one here is '", labels.utts[0],
            "')");
  if (pairs.labels.size() < labels.utts.size())
    log_warning(concat(labels.utts.size() - pairs.labels.size(), " of ", labels.utts.size(),
                       " utterances have no label in ", reference_path, ": left out"));
  const Agreement result = agreement(pairs.labels, pairs.reference);
  if (json) {
    std::cout << to_json(result) << "\n";
  } else {
    std::printf(
        "utterances      %lld in %lld clusters and %lld classes\nNMI             %.4f\nAMI         "
        "    %.4f\npurity          %.4f\ninverse purity  %.4f\npairwise F1     %.4f\naccuracy     "
        "   %.4f\n",
        static_cast<long long>(result.utterances), static_cast<long long>(result.clusters),
        static_cast<long long>(result.classes), result.nmi, result.ami, result.purity,
        result.inverse_purity, result.pairwise_f1, result.accuracy);
  }
  return kExitDone;
}

}  // namespace spc
