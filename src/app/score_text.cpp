#include "app/score_text.h"

#include <algorithm>
#include <array>
#include <cstdio>

#include "base/json.h"

namespace spc {
namespace {

struct Row {
  const char* title;
  const char* key;
  double ListFigures::*value;
  Interval BootstrapResult::*interval;  // null: has none
  double scale;
  int digits;
};

constexpr std::array kRows{
    Row{"EER, %", "eer", &ListFigures::eer, &BootstrapResult::eer, 100, 3},
    Row{"EER (arg-min), %", "eer_arg_min", &ListFigures::eer_arg_min, nullptr, 100, 3},
    Row{"minDCF(0.01)", "min_dcf_0.01", &ListFigures::min_dcf_01, &BootstrapResult::min_dcf_01, 1,
        4},
    Row{"minDCF(0.05)", "min_dcf_0.05", &ListFigures::min_dcf_05, &BootstrapResult::min_dcf_05, 1,
        4},
    Row{"actDCF(0.01)", "act_dcf_0.01", &ListFigures::act_dcf_01, &BootstrapResult::act_dcf_01, 1,
        4},
    Row{"actDCF(0.05)", "act_dcf_0.05", &ListFigures::act_dcf_05, &BootstrapResult::act_dcf_05, 1,
        4},
    Row{"Cllr", "cllr", &ListFigures::cllr, &BootstrapResult::cllr, 1, 4},
};

std::string number(double value, int digits) {
  char text[64];
  std::snprintf(text, sizeof text, "%.*f", digits, value);
  return text;
}

std::string cell(const Row& row, const ListFigures& figures) {
  std::string text = number(row.scale * figures.*row.value, row.digits);
  if (!figures.intervals || row.interval == nullptr) return text;
  const Interval& interval = (*figures.intervals).*row.interval;
  return text + " (" + number(row.scale * interval.low, row.digits) + " to " +
         number(row.scale * interval.high, row.digits) + ")";
}

}  // namespace

std::string figures_table(const std::vector<std::string>& names,
                          const std::vector<ListFigures>& figures, bool ratios) {
  std::vector<std::vector<std::string>> columns{{"", "target trials", "nontarget trials"}};
  for (const Row& row : kRows) columns[0].emplace_back(row.title);
  for (size_t i = 0; i < names.size(); ++i) {
    columns.push_back(
        {names[i], std::to_string(figures[i].targets), std::to_string(figures[i].nontargets)});
    for (const Row& row : kRows) columns.back().push_back(cell(row, figures[i]));
  }
  std::vector<std::string> lines(columns[0].size());
  for (const std::vector<std::string>& column : columns) {
    size_t width = 0;
    for (size_t line = 0; line < lines.size(); ++line) {
      lines[line] += column[line];
      width = std::max(width, lines[line].size());
    }
    for (std::string& line : lines) line.resize(width + 3, ' ');
  }
  std::string table;
  for (std::string& line : lines) {
    line.erase(line.find_last_not_of(' ') + 1);
    table += line + "\n";
  }
  if (!figures.empty() && figures[0].intervals)
    table += "in brackets: 95 % intervals, by speakers drawn anew\n";
  if (!ratios)
    table +=
        "actDCF and Cllr take scores for log-likelihood ratios, which these are not: --calibrate "
        "LIST makes them so\n";
  return table;
}

std::string figures_json(const ListFigures& figures) {
  JsonObject json;
  for (const Row& row : kRows) json.set(row.key, row.scale * figures.*row.value);
  json.set("targets", figures.targets).set("nontargets", figures.nontargets);
  if (!figures.intervals) return json.str();
  JsonObject intervals;
  for (const Row& row : kRows) {
    if (row.interval == nullptr) continue;
    const Interval& interval = (*figures.intervals).*row.interval;
    intervals.raw(row.key, JsonArray()
                               .raw(json_number(row.scale * interval.low))
                               .raw(json_number(row.scale * interval.high))
                               .str());
  }
  intervals.set("replicates", figures.intervals->replicates);
  return json.raw("intervals", intervals.str()).str();
}

}  // namespace spc
