#include <iostream>

#include "base/error.h"
#include "base/log.h"
#include "base/options.h"
#include "data/commands.h"
#include "data/mfcc_stats.h"
#include "data/text.h"

namespace spc {
namespace {

constexpr const char* kMfccStatsUsage =
    R"(spcnet-data mfcc-stats: embeddings of an untrained baseline, to know what training adds.

  spcnet-data mfcc-stats --shards shards --out baseline.h5

Mean and standard deviation of the cepstra over an utterance, standardised over all utterances.)";

}  // namespace

int mfcc_stats_command(const Arguments& arguments) {
  std::vector<std::string> folders;
  std::string out;
  MfccStatsOptions stats;
  stats.threads = available_cores();
  OptionSet options(kMfccStatsUsage);
  options.add("shards", folders, "folder of shards; may repeat; required");
  options.add("out", out, "file for the embeddings, e.g. baseline.h5; required");
  options.add("num-ceps", stats.num_ceps,
              "cepstral coefficients, from the first above the loudness");
  options.add("threads", stats.threads, "threads that read and compute, > 0");
  options.add_check([&] {
    SPC_USAGE_CHECK(!folders.empty(), "name the folder of shards by --shards DIR");
    SPC_USAGE_CHECK(!out.empty(), "name the file for the embeddings by --out FILE");
    SPC_USAGE_CHECK(stats.threads > 0 && stats.threads <= 1024, "threads = ", stats.threads,
                    ", must be 1 to 1024");
  });
  if (!options.parse(arguments)) return kExitDone;

  const Embeddings embeddings = mfcc_stats_embeddings(ShardSet(folders), stats);
  if (embeddings.utts.empty()) {
    log_info("stopped as asked, nothing was written; the same command begins again");
    return kExitStopped;
  }
  write_embeddings(out, embeddings,
                   concat("mfcc-stats of ", folders.front(), " num_ceps=", stats.num_ceps));
  std::cout << counted(static_cast<int64_t>(embeddings.utts.size()), "embedding") << " of "
            << embeddings.dim << " values in " << out << std::endl;
  return kExitDone;
}

}  // namespace spc
