#include "train/training.h"

#include "dist/device.h"
#include "dist/thread_communicator.h"
#include "train/run_checks.h"
#include "train/together.h"
#include "train/trainer.h"
#include "train/watched.h"

namespace spc {
namespace {

TrainEnd run_leaves(const TrainArguments& arguments, Communicator& comm, Watchdog& watchdog) {
  TrainEnd end = TrainEnd::kDone;
  run_thread_ranks(
      comm, kLeaves / comm.world_size(),
      [&](Communicator& leaf) {
        const TrainEnd ended = Trainer(arguments, c10::kCPU, leaf, watchdog).run();
        if (leaf.rank() % (kLeaves / comm.world_size()) == 0) end = ended;
      },
      arguments.config.dist.timeout_s);
  return end;
}

TrainEnd run_ranks(const TrainArguments& arguments, Communicator& comm, Watchdog& watchdog) {
  const c10::Device device = choose_device(arguments.config.train.device, comm);
  const std::unique_ptr<Communicator> all =
      make_device_communicator(comm, device, arguments.config.dist.timeout_s);
  return Trainer(arguments, device, *all, watchdog).run();
}

}  // namespace

TrainEnd train(const TrainArguments& arguments, Communicator& comm) {
  const DistConfig& dist = arguments.config.dist;
  check_same_config(arguments.resolved, comm);
  check_ranks(arguments.config, comm.world_size());
  TrainEnd end = TrainEnd::kDone;
  run_watched({dist.timeout_s, dist.silence_s}, comm, [&](Watchdog& watchdog) {
    end = dist.deterministic ? run_leaves(arguments, comm, watchdog)
                             : run_ranks(arguments, comm, watchdog);
  });
  return end;
}

}  // namespace spc
