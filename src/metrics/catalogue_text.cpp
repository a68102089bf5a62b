#include "metrics/catalogue_text.h"

#include "base/error.h"
#include "base/json.h"
#include "metrics/catalogue.h"

namespace spc {
namespace {

std::string to_text(MetricType type) {
  return type == MetricType::kCounter ? "counter"
         : type == MetricType::kGauge ? "gauge"
                                      : "histogram";
}

std::string to_text(ExportedBy by) {
  return by == ExportedBy::kEveryRank ? "every rank" : "rank 0";
}

// "phase: data_wait, update", or only the names where values are not known beforehand.
std::string labels_of(const MetricInfo& info) {
  std::string text(info.labels);
  if (!info.values.empty()) text += concat(": ", info.values);
  for (size_t at = 0; (at = text.find(',', at)) != std::string::npos; at += 2)
    text.replace(at, 1, ", ");
  return text;
}

}  // namespace

std::string catalogue_as_text() {
  std::string text;
  for (const MetricInfo& info : kCatalogue) {
    const std::string labels = labels_of(info);
    text += concat(info.name, "  ", to_text(info.type), ", ", info.unit, ", ", to_text(info.by),
                   labels.empty() ? "" : concat("  {", labels, "}"), "\n    ", info.help, "\n");
  }
  return text;
}

std::string catalogue_as_json() {
  JsonArray rows;
  for (const MetricInfo& info : kCatalogue) {
    rows.raw(JsonObject()
                 .set("name", info.name)
                 .set("type", to_text(info.type))
                 .set("unit", info.unit)
                 .set("labels", info.labels)
                 .set("values", info.values)
                 .set("by", to_text(info.by))
                 .set("help", info.help)
                 .str());
  }
  return rows.str() + "\n";
}

std::string catalogue_as_markdown() {
  std::string text =
      "# Metrics\n\nWhat the ranks of a run export, made by `spcnet metrics --list --markdown`. "
      "All "
      "series carry the labels `run`, `rank` and `host`.\n\n"
      "| name | type | unit | labels | by | what it is |\n|---|---|---|---|---|---|\n";
  for (const MetricInfo& info : kCatalogue) {
    text += concat("| `", info.name, "` | ", to_text(info.type), " | ", info.unit, " | ",
                   labels_of(info), " | ", to_text(info.by), " | ", info.help, " |\n");
  }
  return text;
}

}  // namespace spc
