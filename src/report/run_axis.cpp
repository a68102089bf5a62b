#include "report/run_axis.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>

namespace spc {

RunAxis::RunAxis(const RunLog& log) : log_(log) {
  double seen = 0;
  for (const StageLog& stage : log.stages) {
    begins_.push_back(seen);
    if (log.stages.size() > 1) marks_.push_back({seen, stage.name});
    seen += stage.samples();
  }
}

Points RunAxis::through(const char* key, double scale) const {
  Points all;
  for (size_t i = 0; i < log_.stages.size(); ++i) {
    Points points;
    for (const auto& [step, line] : log_.stages[i].steps)
      points.emplace_back(begins_[i] + line["samples"].number(), scale * line[key].number());
    for (const auto& point : thinned(points)) all.push_back(point);
    all.emplace_back(begins_[i] + log_.stages[i].samples(), std::nan(""));
  }
  return all;
}

Points RunAxis::means(const char* key, double scale) const {
  Points all;
  for (size_t i = 0; i < log_.stages.size(); ++i) {
    const StageLog& stage = log_.stages[i];
    const size_t stretch = stage.steps.size() / kMostPoints + 1;
    size_t place = 0;
    double sum = 0;
    size_t count = 0;
    for (const auto& [step, line] : stage.steps) {
      if (line[key].is_number()) {
        sum += line[key].number();
        ++count;
      }
      if (++place % stretch != 0 && place != stage.steps.size()) continue;
      all.emplace_back(begins_[i] + line["samples"].number(),
                       count > 0 ? scale * sum / static_cast<double>(count) : std::nan(""));
      sum = 0;
      count = 0;
    }
  }
  return all;
}

std::vector<std::string> RunAxis::lists() const {
  std::vector<std::string> names;
  for (const StageLog& stage : log_.stages)
    for (const auto& [step, line] : stage.evaluations)
      for (const std::string& name : line["trials"].keys())
        if (std::find(names.begin(), names.end(), name) == names.end()) names.push_back(name);
  return names;
}

std::string digits(double value, int places) {
  if (!std::isfinite(value)) return "";
  std::array<char, 40> text{};
  std::snprintf(text.data(), text.size(), "%.*f", places, value);
  return text.data();
}

}  // namespace spc
