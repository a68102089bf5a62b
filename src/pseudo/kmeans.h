// k-means, Lloyd's algorithm, in the parts that ranks put together: each works on its rows, sums
// are added over ranks, everyone draws the same conclusion. Spherical (Dhillon, Modha, 2001) or
// Euclidean.
// Legend: N rows of this rank, D their dimension, k clusters
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <string>
#include <vector>

#include "pseudo/fixed_point.h"

namespace spc {

enum class Metric { kCosine, kEuclidean };
/// @throws UsageError  neither "cosine" nor "euclidean"
Metric to_metric(const std::string& name);

/// Scales every row to length 1, in place. @returns the first row that cannot be: it has length
/// zero or a value that is not finite; -1: there is none. @param rows_ND  float32, on the CPU
int64_t normalize_rows(const at::Tensor& rows_ND);

/// What all ranks must know of the data before the first pass.
struct KMeansBounds {
  int64_t total_rows = 0;  // of all ranks
  double largest = 1;      // magnitude of a value of any of them
};

/// What follows from a pass over all rows.
struct KMeansUpdate {
  at::Tensor centroids;  // [k, D] float32 on the CPU: of the next pass
  at::Tensor sizes;      // [k] int64: rows of each cluster
  double objective = 0;  // sum over rows of the cosine to, or the squared distance from, their
                         // centroid
  int64_t empty = 0;     // clusters without rows: they got half of the largest ones
};

class KMeans {
 public:
  /// @param rows_ND  float32, contiguous, of length 1 for kCosine; they begin at a multiple of
  /// kTileRows among all rows
  KMeans(at::Tensor rows_ND, const KMeansBounds& bounds, Metric metric);

  /// Gives every row to its nearest centroid, of several equal ones to the first. No N x k matrix
  /// is made.
  /// @returns int64 [k D + k + 1] on the CPU, to be added up over ranks: sums of rows, sizes,
  /// objective
  at::Tensor assign(const at::Tensor& centroids_kD);
  /// int64 [N], of the last assign().
  [[nodiscard]] const at::Tensor& labels() const { return labels_; }

  /// The same on every rank, to the bit. @param totals  of assign(), of all ranks
  [[nodiscard]] KMeansUpdate update(const at::Tensor& totals, const at::Tensor& centroids_kD) const;

 private:
  void assign_tile(int64_t begin, int64_t end, const std::vector<at::Tensor>& blocks,
                   const at::Tensor& half_squares);

  at::Tensor rows_;
  Metric metric_;
  FixedPoint of_values_;
  FixedPoint of_objective_;
  at::Tensor labels_;
};

/// Sums of the rows of each label: [k, D] float64, exact in the sense of `of_values`; to be added
/// up over ranks before decode().
at::Tensor sums_by_label(const at::Tensor& rows_ND, const at::Tensor& labels_N, int64_t k,
                         const FixedPoint& of_values);

}  // namespace spc
