#include "app/commands.h"
#include "app/ranks.h"
#include "app/train_arguments.h"
#include "train/monitoring.h"
#include "train/rounds.h"
#include "train/run_folder.h"
#include "train/together.h"

namespace spc {
int train_command(const Arguments& arguments) {
  RoundsArguments train_arguments;
  if (!parse_train_arguments(
          arguments,
          "usage: spcnet train --config F --shards DIR [--shards DIR2 ...] --run RUN "
          "[--section.key value ...]\n"
          "  spcnet train --config configs/demo.conf --shards shards --run runs/a\n"
          "  mpirun -n 2 spcnet train --config configs/demo.conf --shards shards --run runs/a\n"
          "With rounds.count > 0: without labels (stage 1), then rounds of extract, cluster, train "
          "on the clusters, then fine-tuning, each in a folder of RUN.\n"
          "A run folder that holds a checkpoint is continued. SIGINT, SIGTERM and SIGUSR1 save and "
          "end with exit code 75.",
          train_arguments))
    return kExitDone;
  const TrainArguments& base = train_arguments.base;
  return with_ranks(base.config.dist.timeout_s, [&](Communicator& comm) {
    const bool rounds = train_arguments.rounds.count > 0;
    on_rank_zero(comm, "looking at the run folder", [&] {
      check_kind_of_run(base.run, rounds);
      make_run_folder(base.run);
    });
    Monitoring monitoring(base.config.metrics, base.run, comm);
    Metrics& metrics = monitoring.metrics();
    const TrainEnd end =
        rounds ? train_in_rounds(train_arguments, comm, metrics) : train(base, comm, &metrics);
    monitoring.end(end == TrainEnd::kDone ? "done" : "stopped");
    return end == TrainEnd::kDone ? kExitDone : kExitStopped;
  });
}

}  // namespace spc
