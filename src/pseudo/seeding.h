// Where k-means begins. k-means++ (Arthur, Vassilvitskii, 2007): each next centroid is a row drawn
// with a chance that grows with its squared distance to the nearest chosen one; greedy, as in
// scikit-learn: the best of a few drawn rows is taken. In parts that ranks put together.
// Legend: N rows of this rank, D their dimension, L candidates
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <vector>

#include "pseudo/kmeans.h"

namespace spc {

/// `k` of the numbers below `total`, each once, in the order of the draw. @param k  <= total
std::vector<int64_t> draw_rows(uint64_t seed, int64_t total, int64_t k);

/// How many rows a greedy step looks at: four times the usual 2 + ln k, which a matrix product
/// hardly notices. It is worth 1 % of the objective on planted clusters, as much as the best of
/// several runs.
int64_t num_candidates(int64_t k);

/// What this rank knows of its rows while centroids are chosen.
class PlusPlus {
 public:
  /// @param rows_ND  as of KMeans
  PlusPlus(at::Tensor rows_ND, const KMeansBounds& bounds, Metric metric);

  /// int64 [L] on the CPU: what weight all rows would have left with each candidate chosen; to be
  /// added up over ranks. @param candidates_LD  on the CPU
  at::Tensor weights_left(const at::Tensor& candidates_LD);
  /// Chooses one of the candidates of the last call.
  void choose(int64_t candidate);
  /// The weight of this rank's rows: their squared distances, in steps. After the first choice.
  [[nodiscard]] int64_t weight() const;
  /// The row that holds the place, when rows lie side by side as wide as they weigh.
  /// @param place  in [0, weight())
  [[nodiscard]] int64_t row_at(int64_t place) const;

 private:
  at::Tensor rows_;
  Metric metric_;
  FixedPoint of_squares_;
  at::Tensor squares_;    // [N] float32: of the rows' lengths
  at::Tensor weights_;    // [N] int64; undefined before the first choice
  at::Tensor distances_;  // [N, L] float32: squared, to each of the last candidates
  at::Tensor ends_;       // [N] int64: where each row ends when they lie side by side
};

}  // namespace spc
