#include "app/commands.h"
#include "app/ranks.h"
#include "base/error.h"
#include "train/training.h"

namespace spc {

int train_command(const Arguments& arguments) {
  OptionSet options(
      "usage: spcnet train --config F --shards DIR [--shards DIR2 ...] --run RUN [--section.key "
      "value ...]\n"
      "  spcnet train --config configs/demo.conf --shards shards --run runs/a\n"
      "  mpirun -n 2 spcnet train --config configs/demo.conf --shards shards --run runs/a\n"
      "A run folder that holds a checkpoint is continued. SIGINT, SIGTERM and SIGUSR1 save and end "
      "with exit code 75.");
  TrainArguments train_arguments;
  options.add("shards", train_arguments.shards, "folder of shards; may repeat");
  options.add("noise-shards", train_arguments.noise_shards,
              "folder of shards with noise, for augment.noise_prob; may repeat");
  options.add("utts", train_arguments.utts,
              "file with one utterance id a line: train on these alone");
  options.add("run", train_arguments.run, "run folder: checkpoints, logs, configuration");
  options.add("init-from", train_arguments.init_from,
              "checkpoint whose backbone the networks start from");
  train_arguments.config.add_to(options);
  if (!options.parse(arguments)) return kExitDone;
  SPC_USAGE_CHECK(!train_arguments.shards.empty(),
                  "--shards DIR is missing; make shards with `spcnet-data fbank`");
  SPC_USAGE_CHECK(!train_arguments.run.empty(),
                  "--run RUN is missing: the folder for checkpoints and logs");
  train_arguments.resolved = options.resolved();
  return with_ranks(train_arguments.config.dist.timeout_s, [&](Communicator& comm) {
    return train(train_arguments, comm) == TrainEnd::kDone ? kExitDone : kExitStopped;
  });
}

}  // namespace spc
