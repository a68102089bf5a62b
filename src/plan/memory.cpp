#include "plan/memory.h"

#include <algorithm>

#include "base/integers.h"
#include "plan/workload.h"

namespace spc {
namespace {

// Not measured: an allowance for CUDA's context and the work spaces of its libraries.
constexpr double kGpuContextBytes = 1.5 * (1 << 30);

// LibTorch, MPI, HDF5 and the kernels that oneDNN makes: measured with a network of no size to
// speak of, on a CPU.
constexpr double kProgramBytes = 220 * (1 << 20);

// Of what tensors take on a CPU. Measured: 6 to 12 % more than their sizes, less where the head is
// most of it.
constexpr double kAllocatorShare = 0.05;

constexpr double kBytesOfIndexEntry =
    160;                              // ids, place and checksum of an utterance, and its order
constexpr double kBytesOfLabel = 40;  // class, last loss, decision

void add_dino_step(const RunConfig& config, const RankShape& shape, int64_t rows,
                   MemoryTape& tape) {
  const ViewsConfig& views = config.views;
  const CropBatch global{rows * views.num_global, views.global_frames};
  const CropBatch local{rows * views.num_local, views.local_frames};
  add_backbone(config.model, shape.num_mel_bins, global, false, shape.arithmetic, tape);
  tape.hold(static_cast<double>(global.rows) * config.head.out_dim * shape.arithmetic.wide);
  add_backbone(config.model, shape.num_mel_bins, global, true, shape.arithmetic, tape);
  if (local.rows > 0)
    add_backbone(config.model, shape.num_mel_bins, local, true, shape.arithmetic, tape);
  add_dino_head_and_loss(config.head, global.rows + local.rows, global.rows, shape.arithmetic,
                         tape);
}

void add_label_step(const RunConfig& config, const RankShape& shape, int64_t rows,
                    MemoryTape& tape) {
  const CropBatch crops{rows, config.views.global_frames};
  add_backbone(config.model, shape.num_mel_bins, crops, true, shape.arithmetic, tape);
  add_aam_head_and_loss(shape.num_classes, config.model.embedding_dim, rows, shape.arithmetic,
                        tape);
  if (config.label_correction.enabled())
    add_backbone(config.model, shape.num_mel_bins, crops, false, shape.arithmetic, tape);
}

double batch_bytes(const RunConfig& config, const RankShape& shape) {
  const ViewsConfig& views = config.views;
  const double frames = static_cast<double>(views.num_global) * views.global_frames +
                        static_cast<double>(views.num_local) * views.local_frames +
                        (config.label_correction.enabled() ? views.global_frames : 0);
  return static_cast<double>(ceil_divided(config.train.batch_size, shape.ranks)) * frames *
         static_cast<double>(shape.num_mel_bins) * sizeof(float);
}

}  // namespace

int64_t micro_batch_rows(const RunConfig& config, int ranks) {
  return ceil_divided(ceil_divided(config.train.batch_size, ranks), config.train.accumulate);
}

double kept_by_allocator(const RankMemory& memory) {
  if (memory.context > 0) return 0;
  return kAllocatorShare * (memory.on_gpu() + memory.loader + memory.checkpoint);
}

RankMemory predict_memory(const RunConfig& config, const RankShape& given) {
  RankShape shape = given;
  shape.arithmetic.fused = config.train.fuses(shape.arithmetic.gpu);
  const bool dino = config.train.objective == "dino";
  const double wide = shape.arithmetic.wide;
  const NetworkSize size = network_size(config, shape.num_mel_bins, shape.num_classes);
  const double networks = dino ? 2 : 1;
  const double moments = config.optim.type == "adamw" ? 2 : 1;

  MemoryTape tape(!shape.arithmetic.gpu);
  if (dino) {
    add_dino_step(config, shape, micro_batch_rows(config, shape.ranks), tape);
  } else {
    add_label_step(config, shape, micro_batch_rows(config, shape.ranks), tape);
  }

  RankMemory memory;
  const bool narrow = shape.arithmetic.element < wide;
  memory.networks =
      networks * ((size.trainable() + size.running) * wide +
                  (narrow ? (size.backbone + size.head) * shape.arithmetic.element : 0));
  // Of one rank, backward makes them one by one while activations go: only the head's lie beside
  // all of these. Of many they lie in buckets, and a sum needs another one.
  memory.gradients =
      (shape.ranks > 1 ? size.trainable() + size.largest : size.head + size.last) * wide;
  memory.optimizer = moments * size.trainable() * wide;
  memory.activations = tape.peak();
  memory.context = shape.arithmetic.gpu ? kGpuContextBytes : 0;
  memory.loader = (config.loader.prefetch_batches + 1) * batch_bytes(config, shape);
  memory.checkpoint =
      (networks * (size.trainable() + size.running) + moments * size.trainable()) * wide;
  memory.allocator = kept_by_allocator(memory);
  memory.index =
      static_cast<double>(shape.num_utts) * (kBytesOfIndexEntry + (dino ? 0 : kBytesOfLabel));
  memory.program = kProgramBytes;
  return memory;
}

int64_t accumulate_that_fits(RunConfig config, const RankShape& shape, double limit) {
  const int64_t rows = ceil_divided(config.train.batch_size, shape.ranks);
  for (int64_t accumulate = config.train.accumulate; accumulate <= rows; ++accumulate) {
    // Micro-batches of equal size.
    if (rows % accumulate != 0 && accumulate != rows) continue;
    config.train.accumulate = accumulate;
    if (predict_memory(config, shape).needed() <= limit) return accumulate;
  }
  return 0;
}

int64_t rows_to_try(const RunConfig& config, RankShape shape, double limit) {
  int64_t rows = micro_batch_rows(config, shape.ranks);
  RunConfig alone = config;
  alone.train.accumulate = 1;
  shape.ranks = 1;
  const auto needed = [&] {
    alone.train.batch_size = rows;
    return predict_memory(alone, shape).needed();
  };
  while (rows > 1 && needed() > limit) rows = (rows + 1) / 2;
  return rows;
}

}  // namespace spc
