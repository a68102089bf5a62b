#include "pseudo/agreement.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>

#include "base/error.h"
#include "base/json.h"
#include "pseudo/contingency.h"

namespace spc {
namespace {

double entropy(const std::vector<int64_t>& counts, int64_t total) {
  const auto n = static_cast<double>(total);
  double sum = 0;
  for (const int64_t count : counts) {
    const double share = static_cast<double>(count) / n;
    sum -= share * std::log(share);
  }
  return sum;
}

double mutual_information(const Contingency& table) {
  const auto n = static_cast<double>(table.total);
  double sum = 0;
  for (const ContingencyCell& cell : table.cells) {
    const auto count = static_cast<double>(cell.count);
    const auto row = static_cast<double>(table.row_sums[static_cast<size_t>(cell.row)]);
    const auto column = static_cast<double>(table.column_sums[static_cast<size_t>(cell.column)]);
    sum += count / n * (std::log(n) + std::log(count) - std::log(row) - std::log(column));
  }
  return std::max(sum, 0.0);
}

// Mean over all tables with these sums, each as likely as its permutations. Rows and columns of the
// same size give the same terms, so each pair of sizes is looked at once.
double expected_mutual_information(const Contingency& table) {
  const int64_t total = table.total;
  std::vector<double> log_factorial(static_cast<size_t>(total) + 1);
  for (size_t n = 1; n < log_factorial.size(); ++n)
    log_factorial[n] = std::lgamma(static_cast<double>(n) + 1);
  const auto lf = [&](int64_t n) { return log_factorial[static_cast<size_t>(n)]; };
  const auto sizes_of = [](const std::vector<int64_t>& sums) {
    std::map<int64_t, int64_t> sizes;
    for (const int64_t sum : sums) ++sizes[sum];
    return sizes;
  };
  const auto columns = sizes_of(table.column_sums);
  const auto n = static_cast<double>(total);
  double sum = 0;
  for (const auto& [a, rows_of_a] : sizes_of(table.row_sums)) {
    for (const auto& [b, columns_of_b] : columns) {
      const double fixed = lf(a) + lf(b) + lf(total - a) + lf(total - b) - lf(total);
      const double log_of_chance =
          std::log(n) - std::log(static_cast<double>(a)) - std::log(static_cast<double>(b));
      double of_pair = 0;
      for (int64_t both = std::max<int64_t>(1, a + b - total); both <= std::min(a, b); ++both) {
        const double log_probability =
            fixed - lf(both) - lf(a - both) - lf(b - both) - lf(total - a - b + both);
        of_pair += static_cast<double>(both) / n *
                   (std::log(static_cast<double>(both)) + log_of_chance) *
                   std::exp(log_probability);
      }
      sum += static_cast<double>(rows_of_a) * static_cast<double>(columns_of_b) * of_pair;
    }
  }
  return sum;
}

void add_information(const Contingency& table, Agreement& result) {
  const double information = mutual_information(table);
  const double mean_entropy =
      (entropy(table.row_sums, table.total) + entropy(table.column_sums, table.total)) / 2;
  const bool same =
      table.cells.size() == table.row_sums.size() && table.cells.size() == table.column_sums.size();
  if (same) {
    result.nmi = result.ami = 1;  // also where both have one label, or one for each utterance
    return;
  }
  result.nmi = information / mean_entropy;
  const double chance = expected_mutual_information(table);
  constexpr double kLeast = std::numeric_limits<double>::epsilon();
  const double room = mean_entropy - chance;
  result.ami =
      (information - chance) / (room < 0 ? std::min(room, -kLeast) : std::max(room, kLeast));
}

double pairs_of(const std::vector<int64_t>& counts) {
  double pairs = 0;
  for (const int64_t count : counts)
    pairs += static_cast<double>(count) * static_cast<double>(count - 1) / 2;
  return pairs;
}

void add_pairwise_f1(const Contingency& table, Agreement& result) {
  std::vector<int64_t> counts;
  for (const ContingencyCell& cell : table.cells) counts.push_back(cell.count);
  const double either = pairs_of(table.row_sums) + pairs_of(table.column_sums);
  // Where no two utterances share a label in either, there is nothing to disagree about.
  result.pairwise_f1 = either == 0 ? 1 : 2 * pairs_of(counts) / either;
}

void add_shares(const Contingency& table, Agreement& result) {
  std::vector<int64_t> of_rows(table.row_sums.size());
  std::vector<int64_t> of_columns(table.column_sums.size());
  for (const ContingencyCell& cell : table.cells) {
    int64_t& row = of_rows[static_cast<size_t>(cell.row)];
    int64_t& column = of_columns[static_cast<size_t>(cell.column)];
    row = std::max(row, cell.count);
    column = std::max(column, cell.count);
  }
  const auto share = [&](int64_t count) {
    return static_cast<double>(count) / static_cast<double>(table.total);
  };
  int64_t pure = 0;
  for (const int64_t count : of_rows) pure += count;
  int64_t complete = 0;
  for (const int64_t count : of_columns) complete += count;
  result.purity = share(pure);
  result.inverse_purity = share(complete);
  result.accuracy = share(best_assignment(table));
}

}  // namespace

Agreement agreement(const std::vector<int32_t>& labels, const std::vector<int32_t>& reference) {
  SPC_ASSERT(!labels.empty(), "nothing to compare");
  const Contingency table = count_pairs(labels, reference);
  Agreement result;
  result.utterances = table.total;
  result.clusters = static_cast<int64_t>(table.row_sums.size());
  result.classes = static_cast<int64_t>(table.column_sums.size());
  add_information(table, result);
  add_pairwise_f1(table, result);
  add_shares(table, result);
  return result;
}

std::string to_json(const Agreement& agreement) {
  return JsonObject()
      .set("nmi", agreement.nmi)
      .set("ami", agreement.ami)
      .set("purity", agreement.purity)
      .set("inverse_purity", agreement.inverse_purity)
      .set("pairwise_f1", agreement.pairwise_f1)
      .set("accuracy", agreement.accuracy)
      .set("utterances", agreement.utterances)
      .set("clusters", agreement.clusters)
      .set("classes", agreement.classes)
      .str();
}

}  // namespace spc
