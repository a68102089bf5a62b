#include "pseudo/seeding.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <cmath>
#include <mutex>
#include <unordered_map>
#include <utility>

#include "base/error.h"
#include "base/random.h"
#include "linalg/product.h"
#include "pseudo/tiles.h"

namespace spc {

// The beginning of a shuffle that keeps only what it has moved.
std::vector<int64_t> draw_rows(uint64_t seed, int64_t total, int64_t k) {
  SPC_ASSERT(k <= total, "more rows than there are");
  Random random(seed, {});
  std::unordered_map<int64_t, int64_t> moved;
  const auto at = [&](int64_t place) {
    const auto found = moved.find(place);
    return found == moved.end() ? place : found->second;
  };
  std::vector<int64_t> drawn;
  for (int64_t i = 0; i < k; ++i) {
    const int64_t j = i + static_cast<int64_t>(random.below(static_cast<uint64_t>(total - i)));
    drawn.push_back(at(j));
    moved[j] = at(i);
  }
  return drawn;
}

int64_t num_candidates(int64_t k) {
  return static_cast<int64_t>(4 * (2 + std::log(static_cast<double>(k))));
}

PlusPlus::PlusPlus(at::Tensor rows, const KMeansBounds& bounds, Metric metric)
    : rows_(std::move(rows)),
      metric_(metric),
      of_squares_(8 * static_cast<double>(rows_.size(1)) * bounds.largest * bounds.largest,
                  bounds.total_rows),
      squares_(at::ones({rows_.size(0)}, rows_.options())) {
  if (metric == Metric::kEuclidean)
    for_each_tile(rows_, [&](int64_t begin, int64_t end) {
      squares_.slice(0, begin, end).copy_(rows_.slice(0, begin, end).square().sum(1));
    });
}

at::Tensor PlusPlus::weights_left(const at::Tensor& candidates_on_cpu) {
  const at::Tensor candidates = candidates_on_cpu.to(rows_.device());
  const at::Tensor as_columns = candidates.t().contiguous();
  const int64_t count = candidates.size(0);
  const at::Tensor squares =
      metric_ == Metric::kCosine ? at::ones({count}, rows_.options()) : candidates.square().sum(1);
  distances_ = at::empty({rows_.size(0), count}, rows_.options());
  at::Tensor left = at::zeros({count}, rows_.options().dtype(at::kLong));
  std::mutex mutex;
  for_each_tile(rows_, [&](int64_t begin, int64_t end) {
    const at::Tensor products = product_of(rows_.slice(0, begin, end), as_columns);
    const at::Tensor distances = distances_.slice(0, begin, end);
    distances.copy_(
        squares_.slice(0, begin, end).unsqueeze(1).add(squares).sub_(products, 2).clamp_min_(0));
    at::Tensor weights = of_squares_.encode(distances);
    if (weights_.defined())
      weights = at::minimum(weights, weights_.slice(0, begin, end).unsqueeze(1));
    const at::Tensor sums = weights.sum(0);
    const std::lock_guard lock(mutex);
    left.add_(sums);
  });
  return left.cpu();
}

void PlusPlus::choose(int64_t candidate) {
  const at::Tensor chosen = of_squares_.encode(distances_.select(1, candidate));
  weights_ = weights_.defined() ? at::minimum(weights_, chosen) : chosen;
  ends_ = weights_.cumsum(0);
}

int64_t PlusPlus::weight() const {
  return ends_.size(0) == 0 ? 0 : ends_[ends_.size(0) - 1].item<int64_t>();
}

int64_t PlusPlus::row_at(int64_t place) const {
  return at::searchsorted(ends_, at::full({1}, place, ends_.options()), false, true)
      .item<int64_t>();
}

}  // namespace spc
