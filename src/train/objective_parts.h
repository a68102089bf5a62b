// What objectives have in common: views of a batch as tensors, tables, figures.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <string>
#include <vector>

#include "dist/communicator.h"
#include "model/tensor_table.h"
#include "train/objective.h"

namespace spc {

/// Some rows of every view: [views x rows, frames, num_mel_bins], view-major.
/// @param feats  all rows of all views; must outlive the result
at::Tensor views_tensor(const std::vector<float>& feats, int64_t views, RowRange rows,
                        int64_t frames, int64_t num_mel_bins, const at::TensorOptions& options);

/// Adds the tensors of `from`, with `prefix` before their names.
void append(const std::string& prefix, const TensorTable& from, TensorTable& to);

/// Spread of the embeddings' directions, []: near 1 when they point everywhere, 0 when all are the
/// same.
at::Tensor direction_spread(const at::Tensor& embeddings_NE);

}  // namespace spc
