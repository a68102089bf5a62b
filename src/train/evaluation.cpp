#include "train/evaluation.h"

#include <algorithm>
#include <cmath>
#include <iomanip>
#include <limits>
#include <set>

#include "base/error.h"
#include "base/file.h"
#include "base/json.h"
#include "base/json_value.h"
#include "base/process.h"
#include "eval/scoring.h"
#include "train/extract.h"
#include "train/together.h"

namespace spc {
namespace {

constexpr double kTargetPrior = 0.01;
constexpr TrialSource kShards{"shard", "give --eval-shards that hold it"};

EvalResult score(const TrialList& list, const Embeddings& embeddings) {
  const Trials trials = read_trials(list.path, embeddings.utts, kShards);
  const std::vector<double> scores = cosine_scores(
      embeddings.values, static_cast<size_t>(embeddings.dim), embeddings.utts, trials);
  EvalResult result{list.name, 0, 0, det_curve(scores, trials.target)};
  result.eer = eer(result.curve);
  result.min_dcf = min_dcf(result.curve, kTargetPrior);
  return result;
}

double log_odds(double rate) {
  return std::log(rate / (1 - rate));
}

std::string four_digits(double rate) {
  return json_number(std::stod(concat(std::setprecision(4), rate)));
}

}  // namespace

Evaluation::Evaluation(const std::vector<TrialList>& lists, const std::vector<std::string>& folders,
                       const ShardSet& trained_on)
    : lists_(lists), shards_(folders) {
  SPC_CHECK(same_features(shards_.fbank(), trained_on.fbank()), folders.at(0),
            " holds other features than training sees; pack them alike: '", shards_.fbank(),
            "' against '", trained_on.fbank(), "'");
  const std::vector<std::string> ids = shards_.ids();
  std::vector<bool> used(ids.size());
  for (const TrialList& list : lists_) {
    const Trials trials = read_trials(list.path, ids, kShards);
    for (const auto* rows : {&trials.enrol, &trials.test})
      for (const int32_t row : *rows) used[static_cast<size_t>(row)] = true;
  }
  std::vector<std::string_view> wanted;
  for (size_t row = 0; row < ids.size(); ++row)
    if (used[row]) wanted.emplace_back(ids[row]);
  shards_.select(wanted);
}

std::optional<std::vector<EvalResult>> Evaluation::run(
    const SpcNet& network, Communicator& comm, const std::function<void()>& on_batch) const {
  const std::optional<Embeddings> embeddings =
      extract_embeddings(network, shards_, ExtractConfig{}, comm, on_batch);
  if (!embeddings) return std::nullopt;
  std::vector<EvalResult> results;
  on_rank_zero(comm, "scoring trials", [&] {
    for (const TrialList& list : lists_) results.push_back(score(list, *embeddings));
  });
  return results;
}

std::vector<std::pair<double, double>> thin_out(const DetCurve& curve) {
  constexpr double kApart = 0.125;
  std::vector<std::pair<double, double>> kept;
  double last_fpr = -std::numeric_limits<double>::infinity();
  double last_fnr = std::numeric_limits<double>::infinity();
  for (const DetCurve::Point& point : curve.points) {
    const double fpr = curve.fpr(point);
    const double fnr = curve.fnr(point);
    if (fpr <= 0 || fpr >= 1 || fnr <= 0 || fnr >= 1) continue;
    if (log_odds(fpr) - last_fpr < kApart && last_fnr - log_odds(fnr) < kApart) continue;
    last_fpr = log_odds(fpr);
    last_fnr = log_odds(fnr);
    kept.emplace_back(fpr, fnr);
  }
  return kept;
}

std::string to_json(const std::vector<EvalResult>& results, int64_t step, int64_t samples,
                    double seconds) {
  JsonObject lists;
  for (const EvalResult& result : results) {
    JsonArray det;
    for (const auto& [fpr, fnr] : thin_out(result.curve))
      det.raw(JsonArray().raw(four_digits(fpr)).raw(four_digits(fnr)).str());
    lists.raw(result.name, JsonObject()
                               .set("eer", result.eer)
                               .set("min_dcf", result.min_dcf)
                               .raw("det", det.str())
                               .str());
  }
  return JsonObject()
      .set("event", "evaluation")
      .set("step", step)
      .set("samples", samples)
      .raw("trials", lists.str())
      .set("seconds", seconds)
      .str();
}

EvalHistory read_eval_history(const std::filesystem::path& log, int64_t step) {
  EvalHistory history;
  if (!std::filesystem::exists(log)) return history;
  for (const std::string& line : read_lines(log)) {
    if (line.find("\"event\": \"evaluation\"") == std::string::npos) continue;
    const std::optional<JsonValue> parsed = JsonValue::try_parse(line);
    if (!parsed) continue;
    const JsonValue& event = *parsed;
    const auto evaluated = static_cast<int64_t>(event["step"].number());
    if (evaluated > step) continue;
    history.last_step = evaluated;
    history.last_lists.clear();
    const JsonValue lists = event["trials"];
    for (const std::string& name : lists.keys()) {
      history.last_lists.insert(name);
      const double eer = lists[name]["eer"].number();
      const auto [known, is_new] = history.best_eer.emplace(name, eer);
      if (!is_new) known->second = std::min(known->second, eer);
      history.eer_at[{name, evaluated}] = eer;
    }
  }
  return history;
}

}  // namespace spc
