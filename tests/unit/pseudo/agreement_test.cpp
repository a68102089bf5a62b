#include "pseudo/agreement.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>

#include "base/random.h"
#include "pseudo/contingency.h"
#include "unit/reference.h"

namespace spc {
namespace {

using Classes = std::vector<int32_t>;

class AgreementReference : public testing::TestWithParam<const char*> {};

TEST_P(AgreementReference, EqualsScikitLearnAndScipy) {
  const Reference reference = read_reference("agreement.txt");
  const auto values = [&](const std::string& name) {
    return reference.at(std::string(GetParam()) + "/" + name);
  };
  const auto classes = [&](const std::string& name) {
    const std::vector<double> all = values(name);
    return Classes(all.begin(), all.end());
  };
  const Agreement result = agreement(classes("labels"), classes("reference"));
  EXPECT_NEAR(result.nmi, values("nmi")[0], 1e-9);
  EXPECT_NEAR(result.ami, values("ami")[0], 1e-9);
  EXPECT_NEAR(result.purity, values("purity")[0], 1e-12);
  EXPECT_NEAR(result.inverse_purity, values("inverse_purity")[0], 1e-12);
  EXPECT_NEAR(result.pairwise_f1, values("pairwise_f1")[0], 1e-12);
  EXPECT_NEAR(result.accuracy, values("accuracy")[0], 1e-12);
}
INSTANTIATE_TEST_SUITE_P(Labelings, AgreementReference,
                         testing::Values("chance", "chance_many", "noise_0.1", "noise_0.4",
                                         "noise_0.8", "split", "merged", "skewed", "one_cluster",
                                         "singletons", "gaps"));

TEST(AgreementTest, TheSamePartitionAgreesWhateverItsNames) {
  for (const Classes& labels : {Classes{5, 5, 0, 2, 0}, Classes{1, 1, 1}, Classes{0, 1, 2, 3}}) {
    Classes renamed = labels;
    for (int32_t& label : renamed) label = 9 - label;
    const Agreement result = agreement(labels, renamed);
    for (const double figure : {result.nmi, result.ami, result.purity, result.inverse_purity,
                                result.pairwise_f1, result.accuracy})
      EXPECT_EQ(figure, 1);
  }
}

TEST(AgreementTest, CountsWhatOccurs) {
  const Agreement result = agreement({7, 7, 3, 9}, {0, 1, 1, 1});
  EXPECT_EQ(result.utterances, 4);
  EXPECT_EQ(result.clusters, 3);
  EXPECT_EQ(result.classes, 2);
}

// Tries every way to give each row a column or none.
int64_t best_by_trying(const Contingency& table) {
  const size_t slots = table.column_sums.size() + table.row_sums.size();
  std::vector<size_t> column_of(slots);
  std::iota(column_of.begin(), column_of.end(), 0);
  int64_t best = 0;
  do {
    int64_t sum = 0;
    for (const ContingencyCell& cell : table.cells)
      if (column_of[static_cast<size_t>(cell.row)] == static_cast<size_t>(cell.column))
        sum += cell.count;
    best = std::max(best, sum);
  } while (std::next_permutation(column_of.begin(), column_of.end()));
  return best;
}

TEST(BestAssignment, EqualsTheBestOfAllForSmallTables) {
  for (uint64_t seed = 0; seed < 300; ++seed) {
    Random random(seed, {});
    const uint64_t rows = 1 + random.below(4);
    const uint64_t columns = 1 + random.below(4);
    Classes labels;
    Classes reference;
    for (uint64_t i = 1 + random.below(30); i > 0; --i) {
      labels.push_back(static_cast<int32_t>(random.below(rows)));
      reference.push_back(static_cast<int32_t>(random.below(columns)));
    }
    const Contingency table = count_pairs(labels, reference);
    EXPECT_EQ(best_assignment(table), best_by_trying(table)) << "seed " << seed;
  }
}

}  // namespace
}  // namespace spc
