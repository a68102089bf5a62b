#include "app/train_arguments.h"

#include "base/error.h"
#include "base/options.h"

namespace spc {

bool parse_train_arguments(const Arguments& arguments, const std::string& usage,
                           TrainArguments& train_arguments) {
  OptionSet options(usage);
  options.add("shards", train_arguments.shards, "folder of shards; may repeat");
  options.add("noise-shards", train_arguments.noise_shards,
              "folder of shards with noise, for augment.noise_prob; may repeat");
  options.add("utts", train_arguments.utts,
              "file with one utterance id a line: train on these alone");
  options.add("run", train_arguments.run, "run folder: checkpoints, logs, configuration");
  options.add("init-from", train_arguments.init_from,
              "checkpoint whose backbone the networks start from");
  options.add("labels", train_arguments.labels,
              "`utt label` lines, e.g. DIR/labels of `spcnet cluster`, or utt2spk; for "
              "train.objective = pseudo_label");
  options.add("head-init", train_arguments.head_init,
              "centroids.h5 of `spcnet cluster`: the classifier starts from the clusters' means");
  train_arguments.config.add_to(options);
  if (!options.parse(arguments)) return false;
  SPC_USAGE_CHECK(!train_arguments.shards.empty(),
                  "--shards DIR is missing; make shards with `spcnet-data fbank`");
  SPC_USAGE_CHECK(!train_arguments.run.empty(),
                  "--run RUN is missing: the folder for checkpoints and logs");
  const bool labelled = train_arguments.config.train.objective == "pseudo_label";
  SPC_USAGE_CHECK(!labelled || !train_arguments.labels.empty(),
                  "--labels F is missing: train.objective = pseudo_label needs labels");
  SPC_USAGE_CHECK(labelled || (train_arguments.labels.empty() && train_arguments.head_init.empty()),
                  "--labels and --head-init are for train.objective = pseudo_label");
  train_arguments.resolved = options.resolved();
  return true;
}

}  // namespace spc
