#include <filesystem>

#include "app/commands.h"
#include "app/ranks.h"
#include "base/error.h"
#include "train/average.h"
#include "train/resources.h"
#include "train/stages.h"

namespace spc {

int average_command(const Arguments& arguments) {
  std::string run;
  std::vector<std::string> checkpoints;
  int64_t last = 3;
  std::vector<std::string> shards;
  std::string utts;
  std::string out;
  double timeout_s = 600;
  AverageOptions average;
  OptionSet options(
      "usage: spcnet average --run RUN [--last N] | --checkpoint F --checkpoint F ...    --shards "
      "DIR --out AVERAGE.h5\n"
      "  mpirun -n 2 spcnet average --run runs/a --last 10 --shards shards --out a-average.h5\n"
      "The mean of checkpoints, with the statistics of batch norm estimated anew on the shards. "
      "For "
      "`spcnet extract --checkpoint` and\n"
      "`spcnet train --init-from`. A run keeps `checkpoint.keep` of them.");
  options.add("run", run, "run folder, of a run with rounds its last stage");
  options.add("last", last, "so many of its newest checkpoints");
  options.add("checkpoint", checkpoints, "a checkpoint; may repeat");
  options.add("shards", shards, "folder of shards that it was trained on; may repeat");
  options.add("utts", utts, "file with one utterance id a line: these alone");
  options.add("out", out, "file to write");
  options.add("batches", average.batches, "batches that statistics are estimated from");
  options.add("batch-size", average.batch_size, "crops in each, of all ranks together");
  options.add("device", average.device, "auto | cpu | cuda");
  options.add("threads", average.threads, "compute threads of a rank; 0: its share of the cores");
  if (!options.parse(arguments)) return kExitDone;
  SPC_USAGE_CHECK(run.empty() != checkpoints.empty(), "give one of --run RUN and --checkpoint F");
  SPC_USAGE_CHECK(!shards.empty(), "--shards DIR is missing");
  SPC_USAGE_CHECK(!out.empty(), "--out AVERAGE.h5 is missing");
  check_output_file(out);
  SPC_USAGE_CHECK(last >= 1 && average.batches >= 1 && average.batch_size >= 2,
                  "--last and --batches must be >= 1, --batch-size >= 2");
  SPC_USAGE_CHECK(average.threads >= 0 && average.threads <= 1024, "--threads must be 0 to 1024");
  return with_ranks(timeout_s, [&](Communicator& comm) {
    std::vector<std::filesystem::path> paths(checkpoints.begin(), checkpoints.end());
    if (paths.empty()) paths = last_checkpoints(newest_stage(run), last);
    average_checkpoints(paths, open_shards(shards, utts), average, out, comm);
    return kExitDone;
  });
}

}  // namespace spc
