#include "app/train_arguments.h"

#include "base/error.h"
#include "base/options.h"

namespace spc {

bool parse_train_arguments(const Arguments& arguments, const std::string& usage,
                           RoundsArguments& rounds_arguments) {
  OptionSet options(usage);
  TrainArguments& train_arguments = rounds_arguments.base;
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
  options.add(
      "head-init", train_arguments.head_init,
      "centroids.h5 of `spcnet cluster`: the classifier starts from the clusters' means; or "
      "a checkpoint of the same labels: from its classifier");
  options.add(
      "trials", train_arguments.trials,
      "trial list whose equal error rate is computed while training, O=vox1_O.txt; may repeat");
  options.add("eval-shards", train_arguments.eval_shards,
              "folder of shards with the utterances of the trials, if not --shards; may repeat");
  options.add("stage-1", rounds_arguments.stage_1,
              "with rounds: checkpoint that takes the place of stage 1");
  options.add("recordings", rounds_arguments.recordings,
              "with rounds: `utt recording` lines, to see whether clusters follow recordings");
  train_arguments.config.add_to(options);
  rounds_arguments.rounds.add_to(options);
  if (!options.parse(arguments)) return false;
  SPC_USAGE_CHECK(!train_arguments.shards.empty(),
                  "--shards DIR is missing; make shards with `spcnet-data fbank`");
  SPC_USAGE_CHECK(train_arguments.eval_shards.empty() || !train_arguments.trials.empty(),
                  "--eval-shards are for --trials, which are missing");
  SPC_USAGE_CHECK(!train_arguments.run.empty(),
                  "--run RUN is missing: the folder for checkpoints and logs");
  rounds_arguments.resolved = options.resolved();
  OptionSet keys_of_a_run("");
  RunConfig config = train_arguments.config;
  config.add_to(keys_of_a_run);
  train_arguments.resolved = keys_of_a_run.resolved();
  check_keys(rounds_arguments.rounds.round, train_arguments.resolved, "round");
  check_keys(rounds_arguments.rounds.finetune, train_arguments.resolved, "finetune");
  if (rounds_arguments.rounds.count > 0) {
    (void)plan_stages(rounds_arguments);
    return true;
  }
  SPC_USAGE_CHECK(rounds_arguments.stage_1.empty() && rounds_arguments.recordings.empty(),
                  "--stage-1 and --recordings are for rounds.count > 0");
  const bool labelled = train_arguments.config.train.objective == "pseudo_label";
  SPC_USAGE_CHECK(!labelled || !train_arguments.labels.empty(),
                  "--labels F is missing: train.objective = pseudo_label needs labels");
  SPC_USAGE_CHECK(labelled || (train_arguments.labels.empty() && train_arguments.head_init.empty()),
                  "--labels and --head-init are for train.objective = pseudo_label");
  return true;
}

}  // namespace spc
