#include "pseudo/whitening.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include "base/error.h"
#include "pseudo/kmeans.h"
#include "pseudo/tiles.h"
#include "unit/pseudo/rows.h"
#include "unit/threads.h"

namespace spc {
namespace {

at::Tensor stretched_rows(int64_t count) {
  const at::Tensor spread = at::tensor({5.f, 2.f, 1.f, 0.5f, 0.2f, 0.1f});
  const at::Tensor rows = normal_rows(count, 6, 1) * spread + 0.8f;
  EXPECT_EQ(normalize_rows(rows), -1);
  return rows;
}

TEST(WhiteningTest, EqualsTheSingularValueDecomposition) {
  const at::Tensor rows = stretched_rows(800);
  const Whitening whitening = estimate_whitening(whitening_totals(rows, 800), 800, 6, 4);
  const at::Tensor x = rows.to(at::kDouble);
  const auto [u, s, vh] = at::linalg_svd(x - x.mean(0), false);
  at::Tensor expected = at::mm(x - x.mean(0), vh.slice(0, 0, 4).t()) / s.slice(0, 0, 4).sqrt();
  expected /= expected.norm(2, {1}, true);
  const at::Tensor whitened = whiten(rows, whitening).to(at::kDouble);
  const at::Tensor signs = (expected * whitened).sum(0).sign();
  EXPECT_LT((whitened - expected * signs).abs().max().item<double>(), 1e-6);
}

TEST(WhiteningTest, KeepsOnlyDirectionsThatTheRowsHave) {
  at::Tensor rows = stretched_rows(100);
  rows.select(1, 5).copy_(rows.select(1, 0));
  EXPECT_EQ(normalize_rows(rows), -1);
  const Whitening whitening = estimate_whitening(whitening_totals(rows, 100), 100, 6, 128);
  EXPECT_EQ(whitening.projection.size(1), 5);
}

TEST(WhiteningTest, NoBitDependsOnTheRanks) {
  const at::Tensor rows = stretched_rows(3 * kTileRows + 5);
  const int64_t total = rows.size(0);
  const at::Tensor shared = whitening_totals(rows.slice(0, 0, kTileRows), total) +
                            whitening_totals(rows.slice(0, kTileRows), total);
  EXPECT_TRUE(at::equal(shared, whitening_totals(rows, total)));
}

TEST(WhiteningTest, NoBitDependsOnTheThreads) {
  const at::Tensor rows = unit_rows(32 * kTileRows, 128, 3);
  expect_threads_change_nothing([&] {
    return std::map<std::string, at::Tensor>{{"totals", whitening_totals(rows, rows.size(0))}};
  });
}

TEST(WhiteningTest, RowsThatAreAllTheSameAreRefused) {
  const at::Tensor rows = stretched_rows(1).repeat({20, 1});
  const Whitening whitening = estimate_whitening(whitening_totals(rows, 20), 20, 6, 4);
  EXPECT_THROW(whiten(rows, whitening), Error);
}

}  // namespace
}  // namespace spc
