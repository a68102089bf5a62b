#include <algorithm>
#include <array>
#include <cmath>

#include "base/error.h"
#include "plot/scale.h"
#include "report/figures.h"

namespace spc {
namespace {

void add_clusters(const RunAxis& axis, Page& page) {
  constexpr std::array kKinds{"nmi", "ami", "purity", "inverse_purity", "pairwise_f1", "accuracy"};
  Rows rows{
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

// A key of the lines on labels, at the ends of their epochs.
Points by_epoch(const RunAxis& axis, const char* key) {
  Points points;
  for (size_t i = 0; i < axis.log().stages.size(); ++i) {
    for (const auto& [epoch, line] : axis.log().stages[i].labels) {
      double utterances = 0;
      for (const char* each : {"trusted", "corrected", "dropped"})
        utterances += line[each].number();
      points.emplace_back(axis.begins()[i] + static_cast<double>(epoch + 1) * utterances,
                          line[key].number());
    }
    points.emplace_back(axis.begins()[i] + axis.log().stages[i].samples(), std::nan(""));
  }
  return points;
}

void add_epochs(const RunAxis& axis, Page& page) {
  const Points low = by_epoch(axis, "low_mean");
  if (any_finite(low))
    page.figure("gate", "The gate, epoch by epoch",
                "Log losses: the means of the two Gaussians, and the threshold of the next epoch "
                "between them; where it has a gap, no gate was set.",
                draw_lines({kSamples,
                            "log loss",
                            {{"threshold", by_epoch(axis, "threshold"), 0},
                             {"reliable", low, 2},
                             {"unreliable", by_epoch(axis, "high_mean"), 1}},
                            axis.marks()}));
  const Points precision = by_epoch(axis, "precision");
  if (any_finite(precision))
    page.figure("label-quality", "How often labels are right",
                "By the speakers that the shards name: labels trusted that are right, right labels "
                "that are trusted, corrections that are right.",
                draw_lines({kSamples,
                            "share",
                            {{"precision", precision, 0},
                             {"recall", by_epoch(axis, "recall"), 2},
                             {"corrections", by_epoch(axis, "correction_accuracy"), 1}},
                            axis.marks(),
                            true}));
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
  add_epochs(axis, page);
  add_gates(axis, page);
}

}  // namespace spc
