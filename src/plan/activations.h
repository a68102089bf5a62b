// What forward keeps for backward, and what both need for a moment, from the shapes alone. Follows
// SpcNet::forward, the fused block, DinoHead::forward and the losses line by line; a tensor that
// several operations keep is one.
#pragma once

#include <cstdint>

#include "model/dino_head.h"
#include "model/spcnet_config.h"
#include "plan/memory_tape.h"

namespace spc {

/// In which numbers is computed, and where.
struct Arithmetic {
  double element = 4;  // bytes of an activation: 2 for bf16
  double wide = 4;     // of parameters, statistics and losses
  bool gpu = false;    // batch norm in LibTorch's operations, which widen
  bool fused = false;  // blocks in few passes; of what lies between convolutions less is kept
};

/// So many crops of one length as a batch.
struct CropBatch {
  int64_t rows = 0;
  int64_t frames = 0;
};

/// One pass of the backbone over the crops. @param graph  for backward; without it everything is
/// brief
void add_backbone(const SpcNetConfig& config, int64_t num_mel_bins, const CropBatch& crops,
                  bool graph, const Arithmetic& arithmetic, MemoryTape& tape);

/// The student's head over `student_rows` embeddings, the teacher's over `teacher_rows`, the loss
/// between them and the first step of backward.
void add_dino_head_and_loss(const DinoHeadConfig& config, int64_t student_rows,
                            int64_t teacher_rows, const Arithmetic& arithmetic, MemoryTape& tape);

/// The classifier of `num_classes` over `rows` embeddings of `embedding_dim`, and AAM-softmax.
void add_aam_head_and_loss(int64_t num_classes, int64_t embedding_dim, int64_t rows,
                           const Arithmetic& arithmetic, MemoryTape& tape);

}  // namespace spc
