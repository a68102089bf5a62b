#include "report/run_log.h"

#include <algorithm>
#include <cmath>
#include <optional>

#include "base/error.h"
#include "base/file.h"
#include "base/log.h"
#include "store/tensor_file.h"

namespace spc {
namespace {

JsonValue read_json(const std::filesystem::path& path) {
  if (!std::filesystem::exists(path)) return JsonValue::parse("null");
  return with_context(path.string(), [&] { return JsonValue::parse(read_text(path)); });
}

void read_lines_of(const std::filesystem::path& path, StageLog& stage) {
  for (const std::string& text : read_lines(path)) {
    const std::optional<JsonValue> line = JsonValue::try_parse(text);
    if (!line) continue;
    const std::string event = (*line)["event"].text();
    const auto number = [&](const char* key) {
      const JsonValue value = (*line)[key];
      return value.is_number() ? static_cast<int64_t>(value.number()) : -1;
    };
    if (event == "continued") {
      ++stage.restarts;
      stage.steps.erase(stage.steps.upper_bound(number("step")), stage.steps.end());
      stage.evaluations.erase(stage.evaluations.upper_bound(number("step")),
                              stage.evaluations.end());
    }
    if (event == "evaluation") stage.evaluations.insert_or_assign(number("step"), *line);
    if (event == "labels") stage.labels.insert_or_assign(number("epoch"), *line);
    if (event.empty() && number("step") >= 0) stage.steps.insert_or_assign(number("step"), *line);
  }
}

std::vector<int64_t> read_sizes(const std::filesystem::path& path) {
  if (!std::filesystem::exists(path)) return {};
  std::vector<int64_t> sizes;
  try {
    const TensorFile file(path);
    sizes.resize(static_cast<size_t>(file.tensors().at("sizes").shape.at(0)));
    file.read("sizes", sizes.data());
  } catch (const std::exception& error) {  // the rest of the run is still worth a look
    log_warning(concat("no sizes of clusters: ", path.string(), ": ", error.what()));
    return {};
  }
  std::sort(sizes.rbegin(), sizes.rend());
  return sizes;
}

StageLog read_stage(const std::filesystem::path& folder) {
  StageLog stage{folder.filename().string(),
                 read_json(folder / "run.json"),
                 "",
                 {},
                 {},
                 {},
                 0,
                 read_json(folder / "summary.json"),
                 read_json(folder / "agreement.json"),
                 read_sizes(folder / "centroids.h5")};
  if (std::filesystem::exists(folder / "config.ini"))
    stage.config = read_text(folder / "config.ini");
  if (std::filesystem::exists(folder / "train.jsonl")) read_lines_of(folder / "train.jsonl", stage);
  return stage;
}

}  // namespace

double StageLog::samples() const {
  return steps.empty() ? 0 : steps.rbegin()->second["samples"].number();
}

std::vector<StageLog::Stretch> StageLog::stretches() const {
  std::vector<Stretch> stretches;
  double before = 0;
  for (const auto& [step, line] : steps) {
    const double samples = line["samples"].number() - before;
    before = line["samples"].number();
    const double seconds = samples / line["samples_per_s"].number();
    if (std::isfinite(seconds) && seconds > 0) stretches.push_back({line, samples, seconds});
  }
  return stretches;
}

double StageLog::seconds() const {
  double sum = 0;
  for (const Stretch& stretch : stretches()) sum += stretch.seconds;
  return sum;
}

RunLog read_run_log(const std::filesystem::path& run) {
  SPC_CHECK(std::filesystem::exists(run / "run.json"), run.string(),
            " holds no run: there is no run.json; give the folder that `spcnet train --run` was "
            "given");
  const std::filesystem::path whole = std::filesystem::weakly_canonical(run);
  RunLog log{whole.filename().string(), {}};
  std::vector<std::string> names;
  for (const JsonValue& name : read_json(run / "run.json")["stages"].items())
    names.push_back(name.text());
  for (const std::string& name : names)
    if (std::filesystem::exists(run / name)) log.stages.push_back(read_stage(run / name));
  if (names.empty()) log.stages.push_back(read_stage(whole));
  return log;
}

}  // namespace spc
