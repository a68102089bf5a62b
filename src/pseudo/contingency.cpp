#include "pseudo/contingency.h"

#include <algorithm>
#include <limits>
#include <queue>
#include <utility>

#include "base/error.h"

namespace spc {
namespace {

// Replaces each number by its place among those that occur; returns how often each does.
std::vector<int64_t> count_through(std::vector<int32_t>& labels) {
  std::vector<int64_t> counts;
  for (const int32_t label : labels) {
    SPC_ASSERT(label >= 0, "a negative label");
    if (counts.size() <= static_cast<size_t>(label)) counts.resize(static_cast<size_t>(label) + 1);
    ++counts[static_cast<size_t>(label)];
  }
  std::vector<int32_t> place(counts.size());
  std::vector<int64_t> occurring;
  for (size_t label = 0; label < counts.size(); ++label) {
    if (counts[label] == 0) continue;
    place[label] = static_cast<int32_t>(occurring.size());
    occurring.push_back(counts[label]);
  }
  for (int32_t& label : labels) label = place[static_cast<size_t>(label)];
  return occurring;
}

constexpr int64_t kFar = std::numeric_limits<int64_t>::max();
constexpr size_t kNone = std::numeric_limits<size_t>::max();

// Minimal costs of giving every row a column of its own. A cell costs the largest count less its
// own; besides, each row may go to a column that is its alone, at the cost of a count of nothing.
class Assignment {
 public:
  explicit Assignment(const Contingency& table)
      : table_(table),
        rows_(table.row_sums.size()),
        columns_(table.column_sums.size()),
        first_cell_(rows_ + 1),
        row_price_(rows_),
        column_price_(columns_ + rows_),
        row_of_(columns_ + rows_, kNone),
        column_of_(rows_, kNone),
        distance_(columns_ + rows_, kFar),
        before_(columns_ + rows_) {
    for (const ContingencyCell& cell : table.cells) {
      ++first_cell_[static_cast<size_t>(cell.row) + 1];
      dearest_ = std::max(dearest_, cell.count);
    }
    for (size_t row = 0; row < rows_; ++row) first_cell_[row + 1] += first_cell_[row];
  }

  int64_t solve() {
    for (size_t row = 0; row < rows_; ++row) place(row);
    int64_t sum = 0;
    for (const ContingencyCell& cell : table_.cells)
      if (row_of_[static_cast<size_t>(cell.column)] == static_cast<size_t>(cell.row))
        sum += cell.count;
    return sum;
  }

 private:
  // Finds the cheapest way to a free column, where rows on the way move to their next one.
  void place(size_t start) {
    std::vector<size_t> touched;
    std::vector<size_t> settled;
    Queue queue;
    relax(start, 0, touched, queue);
    size_t end = kNone;
    for (;;) {
      const auto [distance, column] = queue.top();
      queue.pop();
      if (distance > distance_[column]) continue;  // a shorter way was found since
      if (row_of_[column] == kNone) {
        end = column;
        break;
      }
      settled.push_back(column);
      relax(row_of_[column], distance, touched, queue);
    }
    const int64_t length = distance_[end];
    row_price_[start] += length;
    for (const size_t column : settled) {
      row_price_[row_of_[column]] += length - distance_[column];
      column_price_[column] -= length - distance_[column];
    }
    for (size_t column = end; column != kNone;) {
      const size_t row = before_[column];
      row_of_[column] = row;
      column = std::exchange(column_of_[row], column);
    }
    for (const size_t column : touched) distance_[column] = kFar;
  }

  using Queue = std::priority_queue<std::pair<int64_t, size_t>,
                                    std::vector<std::pair<int64_t, size_t>>, std::greater<>>;

  void relax(size_t row, int64_t distance, std::vector<size_t>& touched, Queue& queue) {
    const auto look_at = [&](size_t column, int64_t cost) {
      const int64_t way = distance + cost - row_price_[row] - column_price_[column];
      if (way >= distance_[column]) return;
      if (distance_[column] == kFar) touched.push_back(column);
      distance_[column] = way;
      before_[column] = row;
      queue.emplace(way, column);
    };
    for (size_t i = first_cell_[row]; i < first_cell_[row + 1]; ++i)
      look_at(static_cast<size_t>(table_.cells[i].column), dearest_ - table_.cells[i].count);
    look_at(columns_ + row, dearest_);
  }

  const Contingency& table_;
  const size_t rows_;
  const size_t columns_;
  std::vector<size_t> first_cell_;
  std::vector<int64_t> row_price_;
  std::vector<int64_t> column_price_;
  std::vector<size_t> row_of_;     // of each column; the rows' own ones come last
  std::vector<size_t> column_of_;  // of each row
  std::vector<int64_t> distance_;  // from the row that is placed
  std::vector<size_t> before_;     // the row that a column was reached from
  int64_t dearest_ = 0;
};

}  // namespace

Contingency count_pairs(const std::vector<int32_t>& rows, const std::vector<int32_t>& columns) {
  SPC_ASSERT(rows.size() == columns.size(), "two labels for each thing");
  std::vector<int32_t> row_of = rows;
  std::vector<int32_t> column_of = columns;
  Contingency table;
  table.row_sums = count_through(row_of);
  table.column_sums = count_through(column_of);
  table.total = static_cast<int64_t>(rows.size());
  std::vector<std::pair<int32_t, int32_t>> pairs(rows.size());
  for (size_t i = 0; i < rows.size(); ++i) pairs[i] = {row_of[i], column_of[i]};
  std::sort(pairs.begin(), pairs.end());
  for (size_t i = 0; i < pairs.size(); ++i) {
    if (i == 0 || pairs[i] != pairs[i - 1])
      table.cells.push_back({pairs[i].first, pairs[i].second, 0});
    ++table.cells.back().count;
  }
  return table;
}

int64_t best_assignment(const Contingency& table) {
  return Assignment(table).solve();
}

}  // namespace spc
