// Half-whitening of embeddings: their mean is removed, they are turned to their main directions,
// and each of these is divided by the square root of its singular value, which is half of what
// whitening does. Embeddings of a short training lie close to a few directions that say little
// about the speaker; this lifts the others. In parts that ranks put together.
// Legend: N rows of this rank, D their dimension, P directions that are kept
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>

#include "pseudo/fixed_point.h"

namespace spc {

/// A row x becomes (x - mean) projection, of length 1.
struct Whitening {
  at::Tensor mean;        // [D] float64
  at::Tensor projection;  // [D, P] float64
};

/// int64 [D + D D] on the CPU, to be added up over ranks: sums of the rows and of their products.
/// @param rows_ND  float32, of length 1; they begin at a multiple of kTileRows among all rows
at::Tensor whitening_totals(const at::Tensor& rows_ND, int64_t total_rows);

/// Fewer directions than `most_directions` are kept where the rows have no more.
Whitening estimate_whitening(const at::Tensor& totals, int64_t total_rows, int64_t dim,
                             int64_t most_directions);

/// float32 [N, P], of length 1. @throws Error  a row is the mean itself
at::Tensor whiten(const at::Tensor& rows_ND, const Whitening& whitening);

}  // namespace spc
