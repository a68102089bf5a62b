#include "pseudo/kmeans.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <cmath>

#include "base/error.h"
#include "pseudo/seeding.h"
#include "pseudo/tiles.h"
#include "unit/pseudo/rows.h"
#include "unit/threads.h"

namespace spc {
namespace {

// As shares of several ranks: whole tiles, as evenly as that goes.
std::vector<at::Tensor> shares_of(const at::Tensor& rows, int64_t ranks) {
  const int64_t tiles = (rows.size(0) + kTileRows - 1) / kTileRows;
  std::vector<at::Tensor> shares;
  for (int64_t rank = 0; rank < ranks; ++rank) {
    const int64_t begin = tiles * rank / ranks * kTileRows;
    const int64_t end = std::min(tiles * (rank + 1) / ranks * kTileRows, rows.size(0));
    shares.push_back(rows.slice(0, begin, std::max(begin, end)));
  }
  return shares;
}

struct Pass {
  at::Tensor labels;
  at::Tensor totals;
  KMeansUpdate update;
};

Pass pass_over(const at::Tensor& rows, const at::Tensor& centroids, Metric metric,
               int64_t ranks = 1) {
  const KMeansBounds bounds{rows.size(0),
                            metric == Metric::kCosine ? 1 : rows.abs().max().item<double>()};
  Pass pass;
  std::vector<at::Tensor> labels;
  for (const at::Tensor& share : shares_of(rows, ranks)) {
    KMeans kmeans(share, bounds, metric);
    const at::Tensor totals = kmeans.assign(centroids);
    pass.totals = pass.totals.defined() ? pass.totals + totals : totals;
    labels.push_back(kmeans.labels());
  }
  pass.labels = at::cat(labels);
  pass.update = KMeans(rows, bounds, metric).update(pass.totals, centroids);
  return pass;
}

class KMeansMetric : public testing::TestWithParam<Metric> {
 protected:
  [[nodiscard]] at::Tensor rows(int64_t count, int64_t dim, uint64_t seed) const {
    return GetParam() == Metric::kCosine ? unit_rows(count, dim, seed)
                                         : 3 * normal_rows(count, dim, seed) + 1;
  }
};

TEST_P(KMeansMetric, APassIsByItsDefinition) {
  const at::Tensor x = rows(700, 5, 1);
  const at::Tensor c = rows(1100, 5, 2).contiguous();  // more than a block of centroids
  const Pass pass = pass_over(x, c, GetParam());
  const at::Tensor xd = x.to(at::kDouble);
  const at::Tensor cd = c.to(at::kDouble);
  const at::Tensor scores = GetParam() == Metric::kCosine
                                ? at::mm(xd, cd.t())
                                : -(xd.unsqueeze(1) - cd.unsqueeze(0)).square().sum(2);
  const auto [best, labels] = scores.max(1);
  // Two may be as near as float32 can tell.
  const at::Tensor chosen = scores.gather(1, pass.labels.unsqueeze(1)).squeeze(1);
  EXPECT_LT((best - chosen).max().item<double>(), 1e-4);
  EXPECT_GT(labels.eq(pass.labels).sum().item<int64_t>(), 690);
  EXPECT_NEAR(pass.update.objective, chosen.abs().sum().item<double>(),
              1e-6 * pass.update.objective);
  EXPECT_TRUE(at::equal(pass.update.sizes, at::bincount(pass.labels, {}, 1100)));
  EXPECT_EQ(pass.update.empty, pass.update.sizes.eq(0).sum().item<int64_t>());
}

TEST_P(KMeansMetric, CentroidsMoveToTheMeans) {
  const at::Tensor x = rows(700, 5, 1);
  const Pass pass = pass_over(x, rows(7, 5, 2).contiguous(), GetParam());
  EXPECT_EQ(pass.update.empty, 0);
  for (int64_t cluster = 0; cluster < 7; ++cluster) {
    const at::Tensor members = pass.labels.eq(cluster).nonzero().squeeze(1);
    at::Tensor mean = x.to(at::kDouble).index_select(0, members).mean(0);
    if (GetParam() == Metric::kCosine) mean /= mean.norm();
    EXPECT_LT((pass.update.centroids[cluster] - mean).abs().max().item<double>(), 1e-6);
  }
}

TEST_P(KMeansMetric, NoBitDependsOnTheRanks) {
  const at::Tensor x = rows(2 * kTileRows + 100, 24, 3);
  const at::Tensor c = rows(300, 24, 4).contiguous();  // more than are taken at once
  const Pass whole = pass_over(x, c, GetParam());
  for (const int64_t ranks : {2, 3, 4}) {  // of the last, one has nothing
    const Pass shared = pass_over(x, c, GetParam(), ranks);
    EXPECT_TRUE(at::equal(shared.totals, whole.totals));
    EXPECT_TRUE(at::equal(shared.labels, whole.labels));
    EXPECT_TRUE(at::equal(shared.update.centroids, whole.update.centroids));
  }
}

TEST_P(KMeansMetric, NoBitDependsOnTheThreads) {
  for (const int64_t count : {kTileRows - 12, 3 * kTileRows}) {
    const at::Tensor x = rows(count, 250, 5);
    const at::Tensor c = rows(300, 250, 6).contiguous();
    expect_threads_change_nothing([&] {
      const Pass pass = pass_over(x, c, GetParam());
      return std::map<std::string, at::Tensor>{{"totals", pass.totals}, {"labels", pass.labels}};
    });
  }
}
INSTANTIATE_TEST_SUITE_P(Metrics, KMeansMetric,
                         testing::Values(Metric::kCosine, Metric::kEuclidean));

TEST(KMeansTest, OfEqualCentroidsTheFirstGetsTheRows) {
  const at::Tensor x = unit_rows(10, 4, 1);
  const at::Tensor c = unit_rows(1, 4, 2).repeat({1500, 1});
  EXPECT_TRUE(pass_over(x, c, Metric::kCosine).labels.eq(0).all().item<bool>());
}

TEST(KMeansTest, EmptyClustersGetHalfOfTheLargest) {
  // Nothing is near the last two; eight rows are at +x, three at +y.
  const at::Tensor x =
      at::cat({at::tensor({1.f, 0.f}).repeat({8, 1}), at::tensor({0.f, 1.f}).repeat({3, 1})});
  const at::Tensor c = at::tensor({1.f, 0.f, 0.f, 1.f, -1.f, 0.f, 0.f, -1.f}).view({4, 2});
  const KMeansUpdate update = pass_over(x, c, Metric::kCosine).update;
  EXPECT_EQ(update.empty, 2);
  EXPECT_TRUE(at::equal(update.sizes, at::tensor({8, 3, 0, 0}, at::kLong)));
  EXPECT_EQ(update.objective, 11);
  // Both came from the first: it had 8, then 4.
  for (const int64_t cluster : {0, 2, 3}) {
    EXPECT_NEAR(update.centroids[cluster][0].item<float>(), 1, 1e-5);
    EXPECT_EQ(update.centroids[cluster][1].item<float>(), 0);
  }
  EXPECT_TRUE(at::equal(update.centroids[1], at::tensor({0.f, 1.f})));
  const Pass euclidean = pass_over(x + 1, c, Metric::kEuclidean);
  EXPECT_EQ(euclidean.update.empty, 2);
  EXPECT_FALSE(at::equal(euclidean.update.centroids[0], euclidean.update.centroids[2]));
}

TEST(KMeansTest, OppositeRowsLeaveTheirCentroidWhereNumbersAllow) {
  const at::Tensor x = at::tensor({1.f, 0.f, -1.f, 0.f}).view({2, 2});
  const at::Tensor c = at::tensor({0.f, 1.f}).view({1, 2});
  EXPECT_TRUE(pass_over(x, c, Metric::kCosine).update.centroids.isfinite().all().item<bool>());
}

TEST(NormalizeRows, NamesTheRowThatHasNoDirection) {
  at::Tensor rows = at::ones({4, 3});
  rows[2] = 0;
  EXPECT_EQ(normalize_rows(rows), 2);
  rows[1][2] = NAN;
  EXPECT_EQ(normalize_rows(rows), 1);
  EXPECT_NEAR(rows[0].norm().item<double>(), 1, 1e-7);
}

TEST(FixedPointTest, SumsAreExactInEveryOrder) {
  const at::Tensor values = normal_rows(1000, 3, 1).clamp(-4, 4).to(at::kDouble);
  const FixedPoint fixed(4, 1000);
  const at::Tensor sums = fixed.encode(values).sum(0);
  EXPECT_TRUE(at::equal(sums, fixed.encode(values.flip(0)).sum(0)));
  EXPECT_LT((fixed.decode(sums) - values.sum(0)).abs().max().item<double>(), 1e-12);
  // The largest sum fits, with its sign.
  const at::Tensor extreme = at::full({1000}, -4.0, at::kDouble);
  EXPECT_NEAR(fixed.decode(fixed.encode(extreme).sum().item<int64_t>()), -4000, 1e-9);
}

TEST(Seeding, DrawsEveryRowOnce) {
  std::vector<int64_t> drawn = draw_rows(1, 50, 50);
  EXPECT_NE(drawn, draw_rows(2, 50, 50));
  EXPECT_EQ(drawn, draw_rows(1, 50, 50));
  std::sort(drawn.begin(), drawn.end());
  for (size_t i = 0; i < 50; ++i) EXPECT_EQ(drawn[i], static_cast<int64_t>(i));
  EXPECT_EQ(draw_rows(3, 1'000'000'000, 3).size(), 3);
}

TEST_P(KMeansMetric, NoBitOfAWeightDependsOnTheThreads) {
  const at::Tensor x = rows(32 * kTileRows, 16, 7);
  const KMeansBounds bounds{x.size(0), x.abs().max().item<double>()};
  const at::Tensor candidates = x.slice(0, 10, 200).contiguous();
  expect_threads_change_nothing([&] {
    PlusPlus seeding(x, bounds, GetParam());
    const at::Tensor first = seeding.weights_left(candidates);
    seeding.choose(1);
    return std::map<std::string, at::Tensor>{{"first", first},
                                             {"second", seeding.weights_left(candidates)}};
  });
}

TEST_P(KMeansMetric, WeightsAreSquaredDistancesToTheNearest) {
  const at::Tensor x = rows(600, 6, 7);
  const KMeansBounds bounds{600, x.abs().max().item<double>()};
  PlusPlus seeding(x, bounds, GetParam());
  const at::Tensor candidates = x.slice(0, 10, 13).contiguous();
  const at::Tensor xd = x.to(at::kDouble);
  const auto squares = [&](int64_t row) { return (xd - xd[row]).square().sum(1); };
  const FixedPoint fixed(8 * 6 * bounds.largest * bounds.largest, 600);
  const at::Tensor first = fixed.decode(seeding.weights_left(candidates));
  for (int64_t i = 0; i < 3; ++i)
    EXPECT_NEAR(first[i].item<double>(), squares(10 + i).sum().item<double>(), 0.01);
  seeding.choose(1);
  EXPECT_NEAR(fixed.decode(seeding.weight()), squares(11).sum().item<double>(), 0.01);
  const at::Tensor second = fixed.decode(seeding.weights_left(candidates));
  EXPECT_NEAR(second[2].item<double>(), at::minimum(squares(11), squares(12)).sum().item<double>(),
              0.01);
  // Rows side by side: those without width are never met, each of the others is at its ends.
  const at::Tensor ends = squares(11).cumsum(0);
  EXPECT_EQ(seeding.row_at(0), 0);
  EXPECT_EQ(seeding.row_at(seeding.weight() - 1), 599);
  const auto middle = static_cast<int64_t>((ends[300].item<double>() + ends[301].item<double>()) /
                                           2 / fixed.decode(int64_t{1}));
  EXPECT_EQ(seeding.row_at(middle), 301);
}

}  // namespace
}  // namespace spc
