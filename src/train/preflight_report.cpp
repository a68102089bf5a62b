#include "train/preflight_report.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <map>
#include <set>
#include <sstream>

#include "base/error.h"
#include "base/middle.h"

namespace spc {
namespace {

constexpr double kSlowFactor = 1.5;
constexpr double kClockLimitSeconds = 1;

template <class... Values>
std::string format(const char* pattern, Values... values) {
  std::array<char, 160> text{};
  std::snprintf(text.data(), text.size(), pattern, values...);
  return text.data();
}

std::string name_of(size_t rank, const RankFigures& figures) {
  return concat("rank ", rank, " on ", figures.host);
}

bool crosses_hosts(const std::vector<RankFigures>& ranks, size_t rank) {
  return ranks[rank].host != ranks[(rank + ranks.size() - 1) % ranks.size()].host;
}

struct Column {
  const char* what;
  const char* unit;
  double scale;
  double RankFigures::*field;
};
constexpr std::array<Column, 3> kColumns{
    {{"computes", "GFLOP/s", 1e-9, &RankFigures::gemm_flops},
     {"receives from the rank before it", "MB/s", 1e-6, &RankFigures::link_bytes},
     {"reads shards with", "MB/s", 1e-6, &RankFigures::read_bytes}}};

void find_slow(const std::vector<RankFigures>& ranks, const Column& column,
               std::vector<std::string>& warnings) {
  const bool links = column.field == &RankFigures::link_bytes;
  for (size_t rank = 0; rank < ranks.size(); ++rank) {
    std::vector<double> others;
    for (size_t other = 0; other < ranks.size(); ++other) {
      const bool comparable = !links || crosses_hosts(ranks, other) == crosses_hosts(ranks, rank);
      if (other != rank && comparable) others.push_back(ranks[other].*column.field);
    }
    const double own = ranks[rank].*column.field;
    if (own == 0 || others.empty() || own * kSlowFactor >= upper_middle(others)) continue;
    warnings.push_back(concat(name_of(rank, ranks[rank]), " ", column.what, " ",
                              format("%.4g", own * column.scale), " ", column.unit, ", the others ",
                              format("%.4g", upper_middle(others) * column.scale)));
  }
}

std::map<std::string, std::string> parse(const std::string& lines) {
  std::map<std::string, std::string> values;
  std::istringstream in(lines);
  for (std::string line; std::getline(in, line);) {
    const size_t equals = line.find(" = ");
    values[line.substr(0, equals)] = equals == std::string::npos ? "" : line.substr(equals + 3);
  }
  return values;
}

}  // namespace

PreflightReport report_on(const std::vector<RankFigures>& ranks, const AllReduceFigures& reduced) {
  PreflightReport report;
  report.table.emplace_back(
      "rank  host              threads  clock ms  GEMM GFLOP/s  link MB/s  shards MB/s");
  for (size_t rank = 0; rank < ranks.size(); ++rank) {
    const RankFigures& figures = ranks[rank];
    const std::string link =
        figures.link_bytes > 0 ? format("%9.4g", figures.link_bytes * 1e-6) : "        -";
    report.table.push_back(format("%4zu  %-16s %8d  %8.1f  %12.4g  %s  %11.4g", rank,
                                  figures.host.substr(0, 16).c_str(), figures.threads,
                                  figures.clock_s * 1e3, figures.gemm_flops * 1e-9, link.c_str(),
                                  figures.read_bytes * 1e-6));
    for (const std::string& problem : figures.problems)
      report.errors.push_back(concat(name_of(rank, figures), ": ", problem));
    if (std::abs(figures.clock_s) > kClockLimitSeconds)
      report.errors.push_back(concat(name_of(rank, figures), ": its clock is ",
                                     format("%.1f s %s", std::abs(figures.clock_s),
                                            figures.clock_s > 0 ? "ahead of" : "behind"),
                                     " rank 0's; set the clocks, e.g. with chrony"));
  }
  if (ranks.size() > 1) {
    const auto count = static_cast<double>(ranks.size());
    const double bus =
        2 * (count - 1) / count * static_cast<double>(reduced.bytes) / reduced.seconds;
    report.table.push_back(format("all-reduce of %.3g MiB: %.3g ms, bus bandwidth %.4g MB/s",
                                  static_cast<double>(reduced.bytes) / (1 << 20),
                                  reduced.seconds * 1e3, bus * 1e-6));
  }
  for (const Column& column : kColumns) find_slow(ranks, column, report.warnings);
  return report;
}

std::vector<std::string> identity_differences(const std::string& own, const std::string& rank_zero,
                                              size_t limit) {
  const auto ours = parse(own);
  const auto theirs = parse(rank_zero);
  std::set<std::string> keys;
  for (const auto& each : ours) keys.insert(each.first);
  for (const auto& each : theirs) keys.insert(each.first);
  const auto value_of = [](const std::map<std::string, std::string>& values,
                           const std::string& key) {
    const auto found = values.find(key);
    return found == values.end() ? std::string("absent") : found->second;
  };
  std::vector<std::string> differences;
  for (const std::string& key : keys) {
    if (value_of(ours, key) != value_of(theirs, key))
      differences.push_back(
          concat(key, ": ", value_of(ours, key), ", on rank 0 ", value_of(theirs, key)));
  }
  if (differences.size() > limit) {
    const size_t more = differences.size() - limit;
    differences.resize(limit);
    differences.push_back(concat("and ", more, " more differences"));
  }
  return differences;
}

}  // namespace spc
