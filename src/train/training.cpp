#include "train/training.h"

#include <algorithm>
#include <chrono>
#include <thread>

#include "base/command_line.h"
#include "base/error.h"
#include "base/log.h"
#include "dist/device.h"
#include "dist/thread_communicator.h"
#include "dist/watchdog.h"
#include "train/run_checks.h"
#include "train/together.h"
#include "train/trainer.h"

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

// All ranks know the same. The first one speaks, and its end is that of the others, unless it is
// the one that is stuck.
void report_positions(const Watchdog& watchdog, int rank) {
  const std::vector<std::string> report = watchdog.report();
  if (rank > 0) std::this_thread::sleep_for(std::chrono::milliseconds(1500));
  for (const std::string& line : report) log_error(line);
}

}  // namespace

TrainEnd train(const TrainArguments& arguments, Communicator& comm) {
  const DistConfig& dist = arguments.config.dist;
  check_same_config(arguments.resolved, comm);
  check_ranks(arguments.config, comm.world_size());
  const double beat_s = std::min({1.0, dist.timeout_s / 10, dist.silence_s / 10});
  // Waits end by themselves at the limit and say what they waited for; the thread is for all else.
  const Watchdog::Limits limits{dist.timeout_s + 2 * beat_s, dist.silence_s, beat_s};
  Watchdog watchdog(comm, limits, [&](const Watchdog& dog, const std::string& what) {
    report_positions(dog, comm.rank());
    log_error(concat(what, "; the run is ended"));
    comm.abort(kExitFailed);
  });
  TrainEnd end = TrainEnd::kDone;
  try {
    end = dist.deterministic ? run_leaves(arguments, comm, watchdog)
                             : run_ranks(arguments, comm, watchdog);
  } catch (const TimeoutError&) {
    report_positions(watchdog, comm.rank());
    throw;
  }
  watchdog.stop();
  return end;
}

}  // namespace spc
