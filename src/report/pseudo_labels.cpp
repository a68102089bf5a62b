#include <algorithm>
#include <array>
#include <cmath>

#include "base/error.h"
#include "report/figures.h"
#include "report/scale.h"

namespace spc {
namespace {

void add_clusters(const RunAxis& axis, Page& page) {
  constexpr std::array kKinds{"nmi", "ami", "purity", "inverse_purity", "pairwise_f1", "accuracy"};
  std::vector<std::vector<std::string>> rows{
      {"round", "against", "NMI", "AMI", "purity", "inverse purity", "pairwise F1", "accuracy"}};
  std::vector<Series> sizes;
  for (const StageLog& stage : axis.log().stages) {
    for (const std::string& name : stage.agreement.keys()) {
      rows.push_back({stage.name, name});
      for (const char* kind : kKinds)
        rows.back().push_back(digits(stage.agreement[name][kind].number(), 3));
    }
    if (stage.cluster_sizes.empty()) continue;
    Series series{stage.name, {}, static_cast<int>(sizes.size() % 8)};
    for (size_t i = 0; i < stage.cluster_sizes.size(); ++i)
      series.points.emplace_back(static_cast<double>(i + 1),
                                 static_cast<double>(stage.cluster_sizes[i]));
    series.points = thinned(series.points);
    sizes.push_back(series);
  }
  if (rows.size() > 1) page.table(rows);
  if (!sizes.empty())
    page.figure("clusters", "Cluster sizes",
                "Largest first. A first one that towers over the others has swallowed several "
                "speakers.",
                draw_lines({"cluster, by size", "utterances", sizes, {}, true}));
}

void add_gate(const StageLog& stage, int64_t epoch, const JsonValue& line, Page& page) {
  const double first = line["histogram"]["first"].number();
  const double width = line["histogram"]["width"].number();
  std::vector<Series> series{{"utterances", {}, 7}, {"reliable", {}, 2}, {"unreliable", {}, 1}};
  double total = 0;
  for (const JsonValue& count : line["histogram"]["counts"].items()) {
    const auto place = static_cast<double>(series[0].points.size()) + 0.5;
    series[0].points.emplace_back(first + place * width, count.number());
    total += count.number();
  }
  const double weight = line["low_weight"].number();
  const auto bell = [&](const char* which, double share) {
    const double mean = line[std::string(which) + "_mean"].number();
    const double variance = line[std::string(which) + "_variance"].number();
    Points points;
    for (const auto& [x, count] : series[0].points)
      points.emplace_back(x, total * width * share *
                                 std::exp(-(x - mean) * (x - mean) / (2 * variance)) /
                                 std::sqrt(2 * M_PI * variance));
    return points;
  };
  series[1].points = bell("low", weight);
  series[2].points = bell("high", 1 - weight);
  std::vector<Mark> marks;
  const JsonValue threshold = line["threshold"];
  if (threshold.is_number()) marks.push_back({threshold.number(), "threshold"});
  const auto count = [&](const char* key) { return short_number(line[key].number()); };
  page.figure(
      concat("gate-", stage.name, "-", epoch), concat("Gate, ", stage.name, ", epoch ", epoch),
      concat("In this epoch ", count("trusted"), " trusted, ", count("corrected"), " corrected, ",
             count("dropped"), " dropped. The gate for the next one: ", line["gate"].text(),
             "; Ashman's D ", digits(line["ashman_d"].number(), 2)),
      draw_histogram({"log loss", "utterances", series, marks}));
}

void add_gates(const RunAxis& axis, Page& page) {
  constexpr size_t kMostEpochs = 12;
  for (const StageLog& stage : axis.log().stages) {
    const size_t every = stage.labels.size() / kMostEpochs + 1;
    size_t place = 0;
    for (const auto& [epoch, line] : stage.labels)
      if (place++ % every == 0 && !line["histogram"].is_null()) add_gate(stage, epoch, line, page);
  }
}

}  // namespace

void add_pseudo_labels(const RunAxis& axis, Page& page) {
  add_clusters(axis, page);
  add_gates(axis, page);
}

}  // namespace spc
