// The utterances that stand out most by one figure: few, however many there are.
#pragma once

#include <algorithm>
#include <cstddef>
#include <string>
#include <vector>

namespace spc {

/// Rows of a list for people; longer ones are cut, and say so.
inline constexpr size_t kMostListed = 20;

class Ranking {
 public:
  struct Row {
    double value = 0;
    std::string utt;
  };
  enum class First { kLowest, kHighest };

  explicit Ranking(First first) : sign_(first == First::kLowest ? 1 : -1) {}

  /// Of equal values the earlier one stays.
  void offer(double value, const std::string& utt) {
    const auto place = std::upper_bound(
        rows_.begin(), rows_.end(), value,
        [this](double offered, const Row& row) { return sign_ * offered < sign_ * row.value; });
    if (place == rows_.end() && rows_.size() == kMostListed) return;
    rows_.insert(place, {value, utt});
    if (rows_.size() > kMostListed) rows_.pop_back();
  }
  /// The first of the ranking, at most kMostListed.
  [[nodiscard]] const std::vector<Row>& rows() const { return rows_; }

 private:
  int sign_;
  std::vector<Row> rows_;
};

}  // namespace spc
