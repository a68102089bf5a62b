#include "train/training.h"

#include "dist/device.h"
#include "dist/gpu_recording.h"
#include "dist/thread_communicator.h"
#include "train/run_checks.h"
#include "train/together.h"
#include "train/trainer.h"
#include "train/watched.h"

namespace spc {
namespace {

TrainEnd run_leaves(const TrainArguments& arguments, Communicator& comm, Watchdog& watchdog,
                    Metrics* metrics) {
  TrainEnd end = TrainEnd::kDone;
  const int here = kLeaves / comm.world_size();
  run_thread_ranks(
      comm, here,
      [&](Communicator& leaf) {
        const bool first = leaf.rank() % here == 0;  // it speaks for the process
        const TrainEnd ended =
            Trainer(arguments, c10::kCPU, leaf, watchdog, first ? metrics : nullptr).run();
        if (first) end = ended;
      },
      arguments.config.dist.timeout_s);
  return end;
}

TrainEnd run_ranks(const TrainArguments& arguments, Communicator& comm, Watchdog& watchdog,
                   Metrics* metrics) {
  const c10::Device device = choose_device(arguments.config.train.device, comm);
  const std::unique_ptr<Communicator> all =
      make_device_communicator(comm, device, arguments.config.dist.timeout_s);
  const bool records = arguments.config.train.cuda_graphs && !device.is_cpu();
  const std::unique_ptr<GpuStreamScope> stream = records ? make_gpu_stream_scope(device) : nullptr;
  return Trainer(arguments, device, *all, watchdog, metrics).run();
}

}  // namespace

TrainEnd train(const TrainArguments& arguments, Communicator& comm, Metrics* metrics) {
  const DistConfig& dist = arguments.config.dist;
  check_same_config(arguments.resolved, comm);
  check_ranks(arguments.config, comm.world_size());
  TrainEnd end = TrainEnd::kDone;
  run_watched({dist.timeout_s, dist.silence_s}, comm, [&](Watchdog& watchdog) {
    end = dist.deterministic ? run_leaves(arguments, comm, watchdog, metrics)
                             : run_ranks(arguments, comm, watchdog, metrics);
  });
  return end;
}

}  // namespace spc
