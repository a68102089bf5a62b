#include "app/commands.h"
#include "app/ranks.h"
#include "app/train_arguments.h"

namespace spc {

int train_command(const Arguments& arguments) {
  TrainArguments train_arguments;
  if (!parse_train_arguments(
          arguments,
          "usage: spcnet train --config F --shards DIR [--shards DIR2 ...] --run RUN "
          "[--section.key value ...]\n"
          "  spcnet train --config configs/demo.conf --shards shards --run runs/a\n"
          "  mpirun -n 2 spcnet train --config configs/demo.conf --shards shards --run runs/a\n"
          "A run folder that holds a checkpoint is continued. SIGINT, SIGTERM and SIGUSR1 save and "
          "end with exit code 75.",
          train_arguments))
    return kExitDone;
  return with_ranks(train_arguments.config.dist.timeout_s, [&](Communicator& comm) {
    return train(train_arguments, comm) == TrainEnd::kDone ? kExitDone : kExitStopped;
  });
}

}  // namespace spc
