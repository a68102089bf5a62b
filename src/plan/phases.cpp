#include "plan/phases.h"

#include <algorithm>
#include <cmath>

#include "plan/memory_tape.h"
#include "pseudo/seeding.h"

namespace spc {
namespace {

// Maps of the first stage's size that are there at once, without a graph: in FoldedNet::forward,
// and in SpcNet::forward and its convolutions with the masks of padding. Measured on a CPU, 8 to 32
// channels.
constexpr double kMapsFolded = 4.5;
constexpr double kMapsPlain = 11;
// What oneDNN keeps for the shapes of extraction's batches, beside those of training. Measured.
constexpr double kKernelBytes = 30 * (1 << 20);

constexpr double kBytesOfItem = 48;  // an utterance's place, lengths and batch, while they are made
constexpr double kBytesOfName = 70;  // its name, told apart from the others
constexpr double kRowsAtOnce = 1 << 14;  // that come to rank 0, or that sums are made of

double share_of(int64_t count, int ranks) {
  return std::ceil(static_cast<double>(count) / ranks);
}

double row_bytes(const RunConfig& config) {
  return static_cast<double>(config.model.embedding_dim) * sizeof(float);
}

// A batch, of `count` utterances of the kind that training has; on a CPU with the folded network.
double batch_bytes(const RunConfig& config, const ExtractConfig& extract, const RankShape& shape,
                   int64_t count) {
  const bool gpu = shape.arithmetic.gpu;
  double frames = static_cast<double>(std::max(extract.batch_frames, extract.max_frames));
  if (!shape.utt_frames.empty()) {
    const double of_all = static_cast<double>(count) / static_cast<double>(shape.num_utts);
    const BatchShape batch = largest_batch(shape.utt_frames, std::min(of_all, 1.0) / shape.ranks,
                                           gpu ? Batching::kPadded : Batching::kPacked, extract);
    frames = static_cast<double>(batch.rows * batch.frames);
  }
  const double map = frames * static_cast<double>(shape.num_mel_bins * config.model.channels) *
                     std::max(shape.arithmetic.wide, 4.0);
  if (gpu) return kMapsPlain * map;
  const NetworkSize size = network_size(config, shape.num_mel_bins, shape.num_classes);
  return kMapsFolded * jemalloc_size(map) + size.folded * sizeof(float);
}

// The share of a rank, and on rank 0 a piece of all, gathered and sorted.
double embedding_bytes(const RunConfig& config, const RankShape& shape, int64_t count) {
  const double piece = std::min(static_cast<double>(count), kRowsAtOnce);
  return row_bytes(config) * (share_of(count, shape.ranks) + 2 * piece);
}

// Of a process that does not train: no network, nothing of steps.
RankMemory without_training(const RunConfig& config, const RankShape& shape) {
  RankMemory memory;
  const RankMemory training = predict_memory(config, shape);
  memory.context = training.context;
  memory.index = training.index;
  memory.program = training.program;
  return memory;
}

}  // namespace

RankMemory evaluation_memory(const RunConfig& config, const RankShape& shape) {
  RankMemory memory = predict_memory(config, shape);
  memory.activations = batch_bytes(config, ExtractConfig(), shape, shape.eval_utts);
  // All of them on rank 0, in a list that grows by doubling.
  memory.embeddings = embedding_bytes(config, shape, shape.eval_utts) +
                      2 * row_bytes(config) * static_cast<double>(shape.eval_utts);
  memory.allocator = kept_by_allocator(memory);
  if (!shape.arithmetic.gpu) memory.program += kKernelBytes;
  return memory;
}

RankMemory extraction_memory(const RunConfig& config, const ExtractConfig& extract,
                             const RankShape& shape) {
  const NetworkSize size = network_size(config, shape.num_mel_bins, shape.num_classes);
  RankMemory memory = without_training(config, shape);
  memory.networks = (size.backbone + size.running) * std::max(shape.arithmetic.wide, 4.0);
  memory.activations = batch_bytes(config, extract, shape, shape.num_utts);
  memory.embeddings = embedding_bytes(config, shape, shape.num_utts);
  memory.index += kBytesOfItem * static_cast<double>(shape.num_utts);
  memory.allocator = kept_by_allocator(memory);
  if (!shape.arithmetic.gpu) memory.program += kKernelBytes;
  return memory;
}

RankMemory clustering_memory(const RunConfig& config, const ClusterConfig& cluster,
                             const RankShape& shape) {
  const double rows = share_of(shape.num_utts, shape.ranks);
  const int64_t embedding = config.model.embedding_dim;
  const auto dim =
      static_cast<double>(cluster.half_whiten ? std::min(cluster.pca_dim, embedding) : embedding);
  const double whole = rows * row_bytes(config);
  const double clustered = rows * dim * sizeof(float);
  const bool changed = cluster.half_whiten || cluster.metric == "euclidean";
  const double on_gpu = shape.arithmetic.gpu ? clustered : 0;

  // Seeding: distances of the rows to the candidates, those before and those after; the rows'
  // lengths, weights, and ends.
  const auto candidates =
      static_cast<double>(cluster.seeding == "random" ? 0 : num_candidates(cluster.num_clusters));
  const double seeding = rows * (2 * candidates * sizeof(float) + sizeof(float) + 2.0 * 8);
  // A pass: centroids, as they are and as columns, their sums as they are made, added up and
  // divided; labels and terms; rows as whole numbers, some at a time.
  const double sums =
      static_cast<double>(cluster.num_clusters) * dim * (4.0 * sizeof(float) + 4.0 * 8);
  const double pass = sums + rows * 2.0 * 8 + std::min(rows, kRowsAtOnce) * dim * 3 * 8;

  RankMemory memory = without_training(config, shape);
  memory.clusters = on_gpu + std::max(seeding, pass);
  memory.embeddings = whole + (changed ? clustered : 0);
  memory.index += kBytesOfName * static_cast<double>(shape.num_utts);
  memory.allocator = kept_by_allocator(memory);
  return memory;
}

ExtractConfig extraction_that_fits(const RunConfig& config, ExtractConfig extract,
                                   const RankShape& shape, double limit) {
  constexpr int64_t kFewest = 100;  // a second of speech
  while (extraction_memory(config, extract, shape).needed() > limit) {
    extract.batch_frames /= 2;
    extract.max_frames = std::min(extract.max_frames, extract.batch_frames);
    if (extract.batch_frames < kFewest) {
      extract.batch_frames = 0;
      break;
    }
  }
  return extract;
}

}  // namespace spc
