// Cross-view distillation loss of DINO. Does not communicate.   Legend: V views, G global views, B
// rows of this rank, K prototypes
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>

#include "loss/soft_targets.h"

namespace spc {

struct DinoLossOptions {
  int64_t num_global_views = 2;
  int64_t num_views = 2;  // all of them
  double student_temp = 0.1;
  int64_t global_utterances = 1;  // of all ranks in this step
  TargetFormat targets;
};

struct DinoLossResult {
  at::Tensor loss;        // [] float, differentiable: the sum over this rank's rows, divided by the
                          // global number of utterances
  at::Tensor center_sum;  // [K] sum of this rank's raw teacher logits; the caller reduces it
  // Diagnostics, summed over this rank's rows and divided like the loss: their sum over ranks is
  // the mean.
  at::Tensor teacher_entropy;   // [] of the teacher's targets, nats: ln K is uniform, 0 is one-hot
  at::Tensor kl;                // [] KL(teacher || student) over the same pairs as the loss
  at::Tensor marginal_entropy;  // [] of the mean target of this rank's rows, times their share;
                                // near 0 when all rows are given one prototype
  at::Tensor logit_std;        // [] standard deviation of a teacher logit over this rank's rows and
                               // views, mean over prototypes, times their share
  at::Tensor prototypes_used;  // [] different ones among the first choices of the targets, a row
                               // and view, times their share
};

/// Cross-entropy between every student view and every *other* global teacher view, mean over pairs.
/// Equal to the naive double loop. Not fused, it never looks at a value, which would wait for a
/// GPU.
/// @param student_VBK  logits, view-major, global views first      @param teacher_GBK  logits, no
/// gradient
/// @param center_K     running mean of teacher logits over all ranks
/// @param teacher_temp  [] float64, on the device of the logits: it moves from step to step, and
/// work that a GPU repeats finds it in memory
/// @throws Error  shapes disagree      Thread-safe: no state.
/// Source: Caron et al. 2021 (arXiv:2104.14294); agrees with the double loop of
/// facebookresearch/dino to 1e-6 (tests/reference/dino_loss.py).
DinoLossResult dino_loss(const at::Tensor& student_VBK, const at::Tensor& teacher_GBK,
                         const at::Tensor& center_K, const at::Tensor& teacher_temp,
                         const DinoLossOptions& options);

}  // namespace spc
