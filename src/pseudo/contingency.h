// How often a cluster and a class meet: the table from which agreement is computed, without its
// zeros.
#pragma once

#include <cstdint>
#include <vector>

namespace spc {

struct ContingencyCell {
  int32_t row = 0;     // cluster
  int32_t column = 0;  // class
  int64_t count = 0;   // > 0
};

struct Contingency {
  std::vector<ContingencyCell> cells;  // by row, then column
  std::vector<int64_t> row_sums;       // every row and column has a count
  std::vector<int64_t> column_sums;
  int64_t total = 0;
};

/// Two labels for each thing; numbers that do not occur are left out, the others are counted
/// through. @param rows, columns  >= 0, as many of the one as of the other
Contingency count_pairs(const std::vector<int32_t>& rows, const std::vector<int32_t>& columns);

/// The largest sum of counts of cells no two of which share a row or a column: an assignment of
/// rows to columns. Exact, by successive shortest paths; memory grows with the cells alone.
/// Edmonds, Karp, "Theoretical Improvements in Algorithmic Efficiency for Network Flow Problems",
/// 1972.
int64_t best_assignment(const Contingency& table);

}  // namespace spc
