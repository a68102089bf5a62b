#include "report/report.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "base/error.h"
#include "plot/scale.h"
#include "report/figures.h"

namespace spc {
namespace {

double last_number(const StageLog& stage, const char* key) {
  return stage.steps.empty() ? std::nan("") : stage.steps.rbegin()->second[key].number();
}

double mean_speed(const StageLog& stage) {
  double samples = 0;
  for (const StageLog::Stretch& stretch : stage.stretches()) samples += stretch.samples;
  return samples / stage.seconds();
}

double eer_of(const JsonValue& evaluation, const std::string& list) {
  return evaluation["trials"][list]["eer"].number();
}

// "12.34, 300"
std::string best_of(const StageLog& stage, const std::string& list) {
  int64_t best_step = -1;
  double best = std::numeric_limits<double>::infinity();
  for (const auto& [step, line] : stage.evaluations) {
    const double eer = eer_of(line, list);
    if (!(eer < best)) continue;  // a list that came later has none
    best = eer;
    best_step = step;
  }
  return best_step < 0 ? "" : concat(digits(100 * best, 2), ", ", best_step);
}

bool has_labels(const RunLog& log) {
  return std::any_of(log.stages.begin(), log.stages.end(), [](const StageLog& stage) {
    return !stage.labels.empty() || !stage.cluster_sizes.empty();
  });
}

void add_summary(const RunAxis& axis, Page& page) {
  const std::vector<std::string> names = axis.lists();
  Rows rows{{"stage", "steps", "utterances", "hours", "utterances/s", "loss", "restarts"}};
  for (const std::string& name : names) {
    rows[0].push_back("EER % " + name);
    rows[0].push_back("best, at step");
  }
  rows[0].push_back("AMI with speakers");
  for (const StageLog& stage : axis.log().stages) {
    const double steps = stage.steps.empty() ? 0 : static_cast<double>(stage.steps.rbegin()->first);
    rows.push_back({stage.name, short_number(steps), short_number(stage.samples()),
                    digits(stage.seconds() / 3600, 2), digits(mean_speed(stage), 1),
                    digits(last_number(stage, "loss"), 3), std::to_string(stage.restarts)});
    for (const std::string& name : names) {
      rows.back().push_back(
          stage.evaluations.empty()
              ? ""
              : digits(100 * eer_of(stage.evaluations.rbegin()->second, name), 2));
      rows.back().push_back(best_of(stage, name));
    }
    rows.back().push_back(digits(stage.agreement["speakers"]["ami"].number(), 3));
  }
  page.table(rows);
}

void add_versions(const RunLog& log, Page& page) {
  Rows rows{{""}};
  for (const StageLog& stage : log.stages) rows[0].push_back(stage.name);
  for (const char* key : {"started", "version", "torch", "world_size", "threads", "device",
                          "precision", "parameters", "data"}) {
    rows.push_back({key});
    for (const StageLog& stage : log.stages) {
      const JsonValue value = stage.description[key];
      rows.back().push_back(value.is_number() ? digits(value.number(), 0) : value.text());
    }
  }
  page.table(rows);
  for (const StageLog& stage : log.stages) page.details(stage.name + "/config.ini", stage.config);
}

}  // namespace

std::string make_report(const RunLog& log) {
  const RunAxis axis(log);
  Page page(concat("spcnet run ", log.name));
  add_summary(axis, page);
  page.heading("Learning");
  add_learning(axis, page);
  page.heading("Where the time goes");
  add_time(axis, page);
  if (has_labels(log)) {
    page.heading("Pseudo labels");
    add_pseudo_labels(axis, page);
  }
  page.heading("Configuration and versions");
  add_versions(log, page);
  return page.html();
}

}  // namespace spc
