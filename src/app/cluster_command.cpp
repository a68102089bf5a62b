#include "app/commands.h"
#include "app/ranks.h"
#include "base/error.h"
#include "base/options.h"
#include "dist/device.h"
#include "train/clustering.h"
#include "train/resources.h"

namespace spc {

int cluster_command(const Arguments& arguments) {
  OptionSet options(
      "usage: spcnet cluster --embeddings E.h5 --num-clusters K --out DIR\n"
      "  mpirun -n 2 spcnet cluster --embeddings a.h5 --num-clusters 100 --out clusters\n"
      "k-means over the utterances, whose embeddings are shared out to the ranks. Writes "
      "DIR/labels (`utt cluster` lines), labels.h5, centroids.h5 and, last, summary.json. When it "
      "was interrupted, the same command goes on from the last pass it has saved. The results are "
      "the same on any number of ranks.");
  std::string embeddings;
  std::string out;
  std::string device = "auto";
  int threads = 0;
  double timeout_s = 600;
  ClusterConfig config;
  options.add("embeddings", embeddings, "embeddings.h5 of `spcnet extract`");
  options.add("out", out, "folder to write");
  config.add_flags_to(options);
  options.add("device", device, "cpu, cuda, or auto: cuda where every rank has a GPU");
  options.add("threads", threads, "compute threads of a rank; 0: its share of the cores");
  options.add("timeout", timeout_s, "longest wait for the other ranks, seconds");
  if (!options.parse(arguments)) return kExitDone;
  SPC_USAGE_CHECK(!embeddings.empty(), "--embeddings E.h5 is missing");
  SPC_USAGE_CHECK(!out.empty(), "--out DIR is missing");
  SPC_USAGE_CHECK(device == "auto" || device == "cpu" || device == "cuda", "--device ", device,
                  ", must be auto, cpu or cuda");
  SPC_USAGE_CHECK(threads >= 0 && timeout_s > 0, "--threads must be >= 0, --timeout > 0");
  return with_ranks(timeout_s, [&](Communicator& comm) {
    set_compute_threads(threads, comm);
    const auto done =
        cluster_embeddings(embeddings, out, config, choose_device(device, comm), comm);
    return done ? kExitDone : kExitStopped;
  });
}

}  // namespace spc
