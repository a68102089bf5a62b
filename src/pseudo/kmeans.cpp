#include "pseudo/kmeans.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <cmath>
#include <utility>
#include <vector>

#include "base/error.h"
#include "linalg/product.h"
#include "pseudo/tiles.h"

namespace spc {
namespace {

// Centroids that a tile of rows is multiplied with at once. On a CPU they, and the scores, stay in
// the cache; a GPU is not to wait for the next product.
int64_t centroids_at_once(const at::Tensor& rows) {
  return rows.is_cpu() ? 256 : 4096;
}
constexpr double kSplit = 1.0 / 1024;  // by which the halves of a split cluster differ

double largest_term(Metric metric, const KMeansBounds& bounds, int64_t dim) {
  if (metric == Metric::kCosine) return 2;  // |cosine|, with room for rounding
  return 8 * static_cast<double>(dim) * bounds.largest * bounds.largest;
}

void to_unit_length(float* row, int64_t dim) {
  double square = 0;
  for (int64_t d = 0; d < dim; ++d) square += double{row[d]} * double{row[d]};
  if (square == 0) return;  // opposite rows: no direction is better than another
  const double scale = 1 / std::sqrt(square);
  for (int64_t d = 0; d < dim; ++d) row[d] = static_cast<float>(double{row[d]} * scale);
}

at::Tensor half_squares_of(const at::Tensor& centroids) {
  const int64_t dim = centroids.size(1);
  at::Tensor result = at::empty({centroids.size(0)});
  const auto* values = centroids.const_data_ptr<float>();
  for (int64_t cluster = 0; cluster < centroids.size(0); ++cluster) {
    double square = 0;
    for (int64_t d = 0; d < dim; ++d) {
      const double value = values[cluster * dim + d];
      square += value * value;
    }
    result.mutable_data_ptr<float>()[cluster] = static_cast<float>(square / 2);
  }
  return result;
}

// Empty clusters get half of the largest ones, whose centroid moves away a little. Nobody needs the
// rows for that, so every rank does the same.
void split_largest(float* centroids, std::vector<int64_t> sizes, int64_t dim, Metric metric) {
  for (size_t empty = 0; empty < sizes.size(); ++empty) {
    if (sizes[empty] > 0) continue;
    const auto donor = static_cast<size_t>(
        std::distance(sizes.begin(), std::max_element(sizes.begin(), sizes.end())));
    float* theirs = centroids + static_cast<int64_t>(donor) * dim;
    float* ours = centroids + static_cast<int64_t>(empty) * dim;
    for (int64_t d = 0; d < dim; ++d) {
      const double value = theirs[d];
      const double shift = (d % 2 == 0 ? kSplit : -kSplit);
      ours[d] = static_cast<float>(value * (1 + shift));
      theirs[d] = static_cast<float>(value * (1 - shift));
    }
    if (metric == Metric::kCosine) {
      to_unit_length(ours, dim);
      to_unit_length(theirs, dim);
    }
    sizes[empty] = sizes[donor] / 2;
    sizes[donor] -= sizes[empty];
  }
}

}  // namespace

Metric to_metric(const std::string& name) {
  SPC_USAGE_CHECK(name == "cosine" || name == "euclidean", "metric = ", name,
                  ", must be cosine or euclidean");
  return name == "cosine" ? Metric::kCosine : Metric::kEuclidean;
}

int64_t normalize_rows(const at::Tensor& rows) {
  const int64_t dim = rows.size(1);
  auto* values = rows.mutable_data_ptr<float>();
  for (int64_t i = 0; i < rows.size(0); ++i) {
    float* row = values + i * dim;
    const bool usable = std::all_of(row, row + dim, [](float v) { return std::isfinite(v); }) &&
                        std::any_of(row, row + dim, [](float v) { return v != 0; });
    if (!usable) return i;
    to_unit_length(row, dim);
  }
  return -1;
}

KMeans::KMeans(at::Tensor rows, const KMeansBounds& bounds, Metric metric)
    : rows_(std::move(rows)),
      metric_(metric),
      of_values_(bounds.largest, bounds.total_rows),
      of_objective_(largest_term(metric, bounds, rows_.size(1)), bounds.total_rows),
      labels_(at::zeros({rows_.size(0)}, rows_.options().dtype(at::kLong))) {}

// The nearest centroid has the largest product with the row, less half its own square.
void KMeans::assign_tile(int64_t begin, int64_t end, const std::vector<at::Tensor>& blocks,
                         const at::Tensor& half_squares) {
  const at::Tensor tile = rows_.slice(0, begin, end);
  const at::Tensor labels = labels_.slice(0, begin, end);
  at::Tensor best;
  int64_t first = 0;
  for (const at::Tensor& block : blocks) {
    at::Tensor scores = product_of(tile, block);
    if (half_squares.defined()) scores.sub_(half_squares.slice(0, first, first + block.size(1)));
    auto [block_best, block_labels] = scores.max(1);
    block_labels.add_(first);
    if (first == 0) {
      best = block_best;
      labels.copy_(block_labels);
    } else {
      const at::Tensor better = block_best > best;
      labels.copy_(at::where(better, block_labels, labels));
      best = at::where(better, block_best, best);
    }
    first += block.size(1);
  }
}

at::Tensor KMeans::assign(const at::Tensor& centroids_on_cpu) {
  const at::Tensor centroids = centroids_on_cpu.to(rows_.device());
  const int64_t k = centroids.size(0);
  const int64_t dim = centroids.size(1);
  at::Tensor half_squares;
  if (metric_ == Metric::kEuclidean)
    half_squares = half_squares_of(centroids_on_cpu).to(rows_.device());
  std::vector<at::Tensor> blocks;  // [D, some of k]
  for (const at::Tensor& block : centroids.split(centroids_at_once(rows_)))
    blocks.push_back(block.t().contiguous());
  at::Tensor terms = at::empty_like(labels_);
  for_each_tile(rows_, [&](int64_t begin, int64_t end) {
    assign_tile(begin, end, blocks, half_squares);
    const at::Tensor tile = rows_.slice(0, begin, end).to(at::kDouble);
    const at::Tensor own = centroids.index_select(0, labels_.slice(0, begin, end));
    const at::Tensor term =
        metric_ == Metric::kCosine ? (tile * own).sum(1) : (tile - own).square_().sum(1);
    terms.slice(0, begin, end).copy_(of_objective_.encode(term));
  });
  const at::Tensor sums = sums_by_label(rows_, labels_, k, of_values_);
  const at::Tensor sizes = at::bincount(labels_, {}, k);
  return at::cat({sums.reshape({k * dim}), sizes, terms.sum().view({1})}).cpu();
}

KMeansUpdate KMeans::update(const at::Tensor& totals, const at::Tensor& centroids) const {
  const int64_t k = centroids.size(0);
  const int64_t dim = centroids.size(1);
  const at::Tensor sums = of_values_.decode(totals.slice(0, 0, k * dim));
  KMeansUpdate update;
  update.sizes = totals.slice(0, k * dim, k * dim + k).clone();
  update.objective = of_objective_.decode(totals[k * dim + k].item<int64_t>());
  update.centroids = centroids.clone();
  const auto* sizes = update.sizes.const_data_ptr<int64_t>();
  auto* moved = update.centroids.mutable_data_ptr<float>();
  const auto* sum = sums.const_data_ptr<double>();
  for (int64_t cluster = 0; cluster < k; ++cluster) {
    if (sizes[cluster] == 0) {
      ++update.empty;
      continue;
    }
    float* row = moved + cluster * dim;
    for (int64_t d = 0; d < dim; ++d)
      row[d] = static_cast<float>(sum[cluster * dim + d] / static_cast<double>(sizes[cluster]));
    if (metric_ == Metric::kCosine) to_unit_length(row, dim);
  }
  if (update.empty > 0) split_largest(moved, {sizes, sizes + k}, dim, metric_);
  return update;
}

at::Tensor sums_by_label(const at::Tensor& rows, const at::Tensor& labels, int64_t k,
                         const FixedPoint& of_values) {
  constexpr int64_t kChunk = 16384;  // the encoded rows take twice the memory of the rows
  at::Tensor sums = at::zeros({k, rows.size(1)}, rows.options().dtype(at::kLong));
  for (int64_t begin = 0; begin < rows.size(0); begin += kChunk) {
    const int64_t end = std::min(begin + kChunk, rows.size(0));
    sums.index_add_(0, labels.slice(0, begin, end), of_values.encode(rows.slice(0, begin, end)));
  }
  return sums;
}

}  // namespace spc
