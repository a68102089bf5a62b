#include "pseudo/whitening.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <mutex>

#include "base/error.h"
#include "pseudo/kmeans.h"
#include "pseudo/tiles.h"

namespace spc {
namespace {

// Values of rows of length 1, and their products, are 1 at most.
FixedPoint of_products(int64_t total_rows) {
  return {1.5, total_rows};
}

}  // namespace

at::Tensor whitening_totals(const at::Tensor& rows, int64_t total_rows) {
  const FixedPoint exact = of_products(total_rows);
  const int64_t dim = rows.size(1);
  at::Tensor totals = at::zeros({dim + dim * dim}, rows.options().dtype(at::kLong));
  std::mutex mutex;
  for_each_tile(rows, [&](int64_t begin, int64_t end) {
    const at::Tensor tile = rows.slice(0, begin, end).to(at::kDouble);
    const at::Tensor products = at::mm(tile.t(), tile).view({dim * dim});
    const at::Tensor sums = exact.encode(at::cat({tile.sum(0), products}));
    const std::lock_guard lock(mutex);
    totals.add_(sums);
  });
  return totals.cpu();
}

Whitening estimate_whitening(const at::Tensor& totals, int64_t total_rows, int64_t dim,
                             int64_t most_directions) {
  constexpr double kLeastVariance = 1e-10;  // of the largest one: below is rounding
  const at::Tensor sums = of_products(total_rows).decode(totals);
  const auto count = static_cast<double>(total_rows);
  Whitening whitening;
  whitening.mean = sums.slice(0, 0, dim) / count;
  const at::Tensor scatter =
      sums.slice(0, dim).view({dim, dim}) - count * whitening.mean.outer(whitening.mean);
  const OnOneThread alone;
  const auto [values, vectors] = at::linalg_eigh(scatter);  // ascending
  const int64_t useful = values.gt(values[dim - 1] * kLeastVariance).sum().item<int64_t>();
  const int64_t kept = std::min(useful, most_directions);
  // The singular values of the rows are the roots of these.
  whitening.projection =
      (vectors / values.clamp_min(0).pow(0.25)).slice(1, dim - kept).flip(1).contiguous();
  return whitening;
}

at::Tensor whiten(const at::Tensor& rows, const Whitening& whitening) {
  at::Tensor result = at::empty({rows.size(0), whitening.projection.size(1)}, rows.options());
  for_each_tile(rows, [&](int64_t begin, int64_t end) {
    const at::Tensor centred = rows.slice(0, begin, end).to(at::kDouble) - whitening.mean;
    result.slice(0, begin, end).copy_(at::mm(centred, whitening.projection));
  });
  const int64_t bad = normalize_rows(result);
  SPC_CHECK(bad < 0, "row ", bad,
            " is the mean of all, or all rows are the same: nothing is left "
            "of it when the mean is removed");
  return result;
}

}  // namespace spc
