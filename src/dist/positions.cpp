#include "dist/positions.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <map>

#include "base/error.h"
#include "base/middle.h"

namespace spc {
namespace {

std::string seconds_text(double seconds) {
  std::array<char, 32> text{};
  std::snprintf(text.data(), text.size(), seconds < 10 ? "%.1f s" : "%.0f s", seconds);
  return text.data();
}

bool is_silent(const Position& rank, double silent_after_s) {
  return !rank.heard || rank.silent_s > silent_after_s;
}

std::string place_of(const Position& rank) {
  if (!rank.heard) return "was never heard of";
  return concat("step ", rank.step, ", ", rank.phase,
                rank.pending.empty() ? "" : ", waits for " + rank.pending);
}

// "0, 2-7"
std::string ranges(const std::vector<size_t>& ranks) {
  std::string text;
  for (size_t i = 0; i < ranks.size(); ++i) {
    const size_t first = i;
    while (i + 1 < ranks.size() && ranks[i + 1] == ranks[i] + 1) ++i;
    text += concat(text.empty() ? "" : ", ", ranks[first]);
    if (i > first) text += concat("-", ranks[i]);
  }
  return text;
}

std::string name_of(size_t rank, const Position& position) {
  return concat("rank ", rank, position.host.empty() ? "" : " on " + position.host);
}

}  // namespace

std::vector<std::string> describe_positions(const std::vector<Position>& ranks,
                                            double silent_after_s) {
  std::vector<std::string> lines;
  std::map<std::string, std::vector<size_t>> groups;
  for (size_t r = 0; r < ranks.size(); ++r) {
    if (!is_silent(ranks[r], silent_after_s)) {
      groups[place_of(ranks[r])].push_back(r);
    } else if (ranks[r].heard) {
      lines.push_back(concat(name_of(r, ranks[r]), ": silent for ", seconds_text(ranks[r].silent_s),
                             ", before that at ", place_of(ranks[r])));
    } else {
      lines.push_back(concat(name_of(r, ranks[r]), ": ", place_of(ranks[r])));
    }
  }
  for (const auto& [place, members] : groups) {
    lines.push_back(concat(
        members.size() == 1 ? name_of(members[0], ranks[members[0]]) : "ranks " + ranges(members),
        ": ", place));
  }
  return lines;
}

std::string suspect(const std::vector<Position>& ranks, double silent_after_s) {
  size_t found = ranks.size();
  for (size_t r = 0; r < ranks.size(); ++r) {
    if (!is_silent(ranks[r], silent_after_s)) continue;
    if (found == ranks.size() || ranks[r].silent_s > ranks[found].silent_s) found = r;
  }
  if (found < ranks.size())
    return name_of(found, ranks[found]) +
           ": silent, so it is stopped, out of memory, or its host is cut off";
  bool others_wait = false;
  for (size_t r = 0; r < ranks.size(); ++r) {
    if (!ranks[r].pending.empty()) {
      others_wait = true;
    } else if (found == ranks.size() || ranks[r].step < ranks[found].step) {
      found = r;
    }
  }
  if (found == ranks.size() || !others_wait) return "";
  return concat(name_of(found, ranks[found]), ": waits for nobody, but is at ",
                place_of(ranks[found]), " for ", seconds_text(ranks[found].phase_s));
}

SlowestRank find_slowest(const std::vector<Position>& ranks) {
  std::vector<double> own;
  own.reserve(ranks.size());
  for (const Position& rank : ranks) own.push_back(rank.compute_s + rank.data_s);
  if (ranks.size() < 2 || lower_middle(own) <= 0) return {};
  const auto slowest = std::max_element(own.begin(), own.end());
  return {static_cast<int>(slowest - own.begin()), *slowest / lower_middle(own)};
}

Straggler find_straggler(const std::vector<Position>& ranks, double factor) {
  std::vector<double> compute;
  std::vector<double> data;
  std::vector<double> both;
  for (const Position& rank : ranks) {
    compute.push_back(rank.compute_s);
    data.push_back(rank.data_s);
    both.push_back(rank.compute_s + rank.data_s);
  }
  const auto slowest =
      static_cast<size_t>(std::max_element(both.begin(), both.end()) - both.begin());
  if (ranks.size() < 2 || both[slowest] <= factor * lower_middle(both)) return {};
  const bool by_data =
      data[slowest] - lower_middle(data) > compute[slowest] - lower_middle(compute);
  std::array<char, 96> times{};
  std::snprintf(times.data(), times.size(), " %s %.2f s a step, the others %.2f s",
                by_data ? "waits for data" : "computes", by_data ? data[slowest] : compute[slowest],
                by_data ? lower_middle(data) : lower_middle(compute));
  return {static_cast<int>(slowest), name_of(slowest, ranks[slowest]) + times.data()};
}

}  // namespace spc
