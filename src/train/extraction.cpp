#include "train/extraction.h"

#include <optional>

#include "base/error.h"
#include "base/log.h"
#include "dist/device.h"
#include "dist/thread_communicator.h"
#include "train/checkpoint.h"
#include "train/resources.h"
#include "train/run_checks.h"
#include "train/together.h"

namespace spc {
namespace {

// @returns false when it was asked to stop
bool extract_and_write(const Embedder& embedder, const ShardSet& shards,
                       const Extraction& extraction, Communicator& comm) {
  const std::optional<EmbeddingShare> share =
      extract_share(embedder, shards, extraction.extract, comm);
  if (!share) return false;
  const int64_t dim = share->rows.size(1);
  if (comm.rank() > 0)
    collect_embeddings(*share, shards, comm, {});
  else
    write_embeddings(extraction.out, shards.ids(), dim, extraction.source,
                     [&](const auto& append) { collect_embeddings(*share, shards, comm, append); });
  // Nobody goes on to read a file that is not there yet.
  on_rank_zero(comm, "writing embeddings", [&] {
    log_info(concat(shards.utts().size(), " embeddings of ", dim, " dimensions by ",
                    extraction.source, ": ", extraction.out.string()));
  });
  return true;
}

// As many virtual ranks as deterministic mode always has: who shares a batch must not change.
bool extract_by_leaves(const Embedder& embedder, const ShardSet& shards,
                       const Extraction& extraction, Communicator& comm) {
  bool done = false;
  const int here = kLeaves / comm.world_size();
  run_thread_ranks(
      comm, here,
      [&](Communicator& leaf) {
        const bool written = extract_and_write(embedder, shards, extraction, leaf);
        if (leaf.rank() % here == 0) done = written;
      },
      extraction.config.dist.timeout_s);
  return done;
}

}  // namespace

void check_features(const TensorFile& checkpoint, const ShardSet& shards) {
  const CheckpointInfo info = read_info(checkpoint);
  const std::string path = checkpoint.path().string();
  SPC_CHECK(info.num_mel_bins == shards.num_mel_bins(), path, " was trained on ", info.num_mel_bins,
            " mel bins, the shards have ", shards.num_mel_bins(),
            "; pack them with --fbank.num_mel_bins ", info.num_mel_bins);
  SPC_CHECK(same_features(info.fbank, shards.fbank()), path,
            " was trained on other features than the shards hold; pack them alike: '", info.fbank,
            "' against '", shards.fbank(), "'");
}

FullConfig trained_config(const TensorFile& checkpoint) {
  return read_config(read_info(checkpoint).config, checkpoint.path().string());
}

bool extract_to_file(const Extraction& extraction, const ShardSet& shards, Communicator& comm) {
  const RunConfig& config = extraction.config;
  const bool deterministic = config.dist.deterministic;
  check_leaves(config, comm.world_size());
  if (extraction.checkpoint != nullptr) check_features(*extraction.checkpoint, shards);
  const c10::Device device = deterministic ? c10::kCPU : choose_device(config.train.device, comm);
  const SpcNet network(config.model, shards.num_mel_bins(),
                       static_cast<uint64_t>(config.train.seed), device);
  if (extraction.checkpoint != nullptr)
    load_tensors(*extraction.checkpoint, read_info(*extraction.checkpoint).network + ".backbone.",
                 network.tensors());
  set_compute_threads(deterministic ? 1 : config.train.threads, comm);
  const Embedder embedder(network);
  const bool done = deterministic ? extract_by_leaves(embedder, shards, extraction, comm)
                                  : extract_and_write(embedder, shards, extraction, comm);
  if (!done && comm.rank() == 0)
    log_info("stopped as asked; no embeddings are written, the same command starts again");
  return done;
}

}  // namespace spc
