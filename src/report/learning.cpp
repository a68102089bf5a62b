#include <algorithm>
#include <cmath>

#include "report/figures.h"

namespace spc {
namespace {

std::vector<Series> det_curves(const RunAxis& axis) {
  const auto curve_of = [](const JsonValue& evaluation, const std::string& name) {
    Points points;
    for (const JsonValue& point : evaluation["trials"][name]["det"].items())
      points.emplace_back(point.items().at(0).number(), point.items().at(1).number());
    return points;
  };
  const JsonValue* first = nullptr;
  const JsonValue* last = nullptr;
  for (const StageLog& stage : axis.log().stages) {
    if (stage.evaluations.empty()) continue;
    if (first == nullptr) first = &stage.evaluations.begin()->second;
    last = &stage.evaluations.rbegin()->second;
  }
  std::vector<Series> curves;
  if (last == nullptr) return curves;
  for (const std::string& name : axis.lists()) {
    const int color = static_cast<int>(curves.size() / 2 % 8);
    curves.push_back({name, curve_of(*last, name), color});
    curves.push_back({name + ", before", curve_of(*first, name), color, true});
  }
  return curves;
}

void add_evaluations(const RunAxis& axis, Page& page) {
  std::vector<Series> rates;
  for (const std::string& name : axis.lists()) {
    Series series{name, {}, static_cast<int>(rates.size() % 8)};
    for (size_t i = 0; i < axis.log().stages.size(); ++i)
      for (const auto& [step, line] : axis.log().stages[i].evaluations)
        series.points.emplace_back(axis.begins()[i] + line["samples"].number(),
                                   100 * line["trials"][name]["eer"].number());
    rates.push_back(series);
  }
  page.figure("eer", "Equal error rate",
              "On the lists given with --trials, which training does not see. Lower is better.",
              draw_lines({kSamples, "EER, percent", rates, axis.marks()}));
  page.figure("det", "Detection error trade-off",
              "The newest network; dashed: before training. A curve nearer to the lower left is "
              "better; the equal error rate lies on the diagonal.",
              draw_det(det_curves(axis)));
}

void add_teacher(const RunAxis& axis, Page& page) {
  const Points entropy = axis.through("teacher_entropy");
  if (!any_finite(entropy)) return;
  std::vector<Series> series{{"of each output", entropy, 0},
                             {"of their mean", axis.through("marginal_entropy"), 2},
                             {"divergence of the student", axis.through("kl"), 1}};
  for (size_t i = 0; i < axis.log().stages.size(); ++i) {
    const double uniform = axis.log().stages[i].description["uniform_loss"].number();
    const bool dino = !axis.log().stages[i].steps.empty() &&
                      axis.log().stages[i].steps.rbegin()->second["teacher_entropy"].is_number();
    if (dino && std::isfinite(uniform))
      series.push_back({"ln K",
                        {{axis.begins()[i], uniform},
                         {axis.begins()[i] + axis.log().stages[i].samples(), uniform}},
                        7,
                        true});
  }
  page.figure("entropy", "Teacher entropy",
              "At ln K the teacher tells nothing apart; with both entropies near 0 one prototype "
              "takes everything. Between the two it is healthy.",
              draw_lines({kSamples, "nats", series, axis.marks(), true}));
}

}  // namespace

void add_learning(const RunAxis& axis, Page& page) {
  page.figure(
      "loss", "Loss",
      "Mean over all ranks since the line before. Each stage has a loss of its own kind; "
      "within one it may rise while the teacher sharpens.",
      draw_lines({kSamples, "loss, nats", {{"loss", axis.through("loss"), 0}}, axis.marks()}));
  if (!axis.lists().empty()) add_evaluations(axis, page);
  add_teacher(axis, page);
  page.figure("embedding", "Spread of embeddings",
              "1: directions are even, 0: all utterances look alike, which in DINO is a collapse.",
              draw_lines({kSamples,
                          "spread",
                          {{"spread", axis.through("embedding_std"), 2}},
                          axis.marks(),
                          true}));
  page.figure(
      "lr", "Learning rate", "As scheduled, stage by stage.",
      draw_lines({kSamples, "learning rate", {{"lr", axis.through("lr"), 3}}, axis.marks(), true}));
}

}  // namespace spc
