#include "eval/bootstrap.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <cmath>
#include <future>
#include <numeric>

#include "base/error.h"
#include "base/random.h"
#include "eval/calibration.h"

namespace spc {
namespace {

Interval interval_of(const std::vector<std::optional<DrawnFigures>>& all,
                     double DrawnFigures::*figure, double level) {
  std::vector<double> values;
  for (const auto& each : all)
    if (each) values.push_back((*each).*figure);
  return {quantile(values, (1 - level) / 2), quantile(values, (1 + level) / 2)};
}

}  // namespace

SpeakerTrials::SpeakerTrials(std::span<const double> scores, const Trials& trials,
                             std::span<const int32_t> speaker_of_row) {
  SPC_ASSERT(scores.size() == trials.size(), scores.size(), " scores for ", trials.size(),
             " trials");
  det_curve(scores, trials.target);  // checks them
  std::vector<size_t> order(scores.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::sort(order.begin(), order.end(), [&](size_t a, size_t b) { return scores[a] > scores[b]; });
  trials_.reserve(order.size());
  scores_.reserve(order.size());
  std::vector<int32_t> number_of;  // of a speaker, among those that have a trial
  const auto number = [&](int32_t row) {
    const auto speaker = static_cast<size_t>(speaker_of_row[static_cast<size_t>(row)]);
    if (speaker >= number_of.size()) number_of.resize(speaker + 1, -1);
    if (number_of[speaker] < 0) number_of[speaker] = static_cast<int32_t>(num_speakers_++);
    return number_of[speaker];
  };
  for (size_t i = 0; i < order.size(); ++i) {
    const size_t n = order[i];
    const int32_t enrol = number(trials.enrol[n]);
    const int32_t test = number(trials.test[n]);
    const bool target = trials.target[n] != 0;
    SPC_CHECK((enrol == test) == target, "trial ", n, " (counting from 0) is a ",
              target ? "target" : "nontarget", " trial of ", enrol == test ? "one" : "two",
              " speakers; the speakers are not those of the list");
    const bool tied = i + 1 < order.size() && scores[order[i + 1]] == scores[n];
    trials_.push_back({enrol, test, target, tied, cost_of_ratio(scores[n], target)});
    scores_.push_back(scores[n]);
  }
}

int64_t SpeakerTrials::times(const Trial& trial, std::span<const int32_t> drawn) {
  const auto enrol = static_cast<int64_t>(drawn[static_cast<size_t>(trial.enrol)]);
  return trial.target ? enrol : enrol * drawn[static_cast<size_t>(trial.test)];
}

DetCurve SpeakerTrials::curve(std::span<const int32_t> drawn) const {
  SPC_ASSERT(static_cast<int64_t>(drawn.size()) == num_speakers_, drawn.size(), " speakers of ",
             num_speakers_);
  DetCurve curve;
  for (const Trial& trial : trials_)
    (trial.target ? curve.targets : curve.nontargets) += times(trial, drawn);
  if (curve.targets == 0 || curve.nontargets == 0) return {};
  DetCurve::Point point{curve.targets, 0};
  curve.points.push_back(point);
  bool changed = false;
  for (const Trial& trial : trials_) {
    const int64_t count = times(trial, drawn);
    if (trial.target) {
      point.misses -= count;
    } else {
      point.false_accepts += count;
    }
    changed |= count > 0;
    if (trial.tied || !changed) continue;
    curve.points.push_back(point);
    changed = false;
  }
  return curve;
}

std::optional<DrawnFigures> SpeakerTrials::figures(std::span<const int32_t> drawn) const {
  const DetCurve drawn_curve = curve(drawn);
  if (drawn_curve.points.empty()) return std::nullopt;
  return DrawnFigures{eer(drawn_curve),
                      min_dcf(drawn_curve, 0.01),
                      min_dcf(drawn_curve, 0.05),
                      act_dcf(drawn, drawn_curve, 0.01),
                      act_dcf(drawn, drawn_curve, 0.05),
                      cllr(drawn, drawn_curve)};
}

double SpeakerTrials::act_dcf(std::span<const int32_t> drawn, const DetCurve& curve,
                              double p_target) const {
  // Scores fall: those at or above the threshold come first.
  const auto rejected = std::partition_point(scores_.begin(), scores_.end(), [&](double score) {
    return score >= threshold_of_ratios(p_target);
  });
  DetCurve::Point point{curve.targets, 0};
  for (auto trial = trials_.begin(); trial != trials_.begin() + (rejected - scores_.begin());
       ++trial) {
    const int64_t count = times(*trial, drawn);
    if (trial->target) {
      point.misses -= count;
    } else {
      point.false_accepts += count;
    }
  }
  return dcf(curve, point, p_target);
}

double SpeakerTrials::cllr(std::span<const int32_t> drawn, const DetCurve& curve) const {
  std::array<double, 2> sums{};
  for (const Trial& trial : trials_) {
    const int64_t count = times(trial, drawn);  // an infinite cost of a trial not drawn is none
    if (count > 0) sums.at(trial.target ? 1 : 0) += static_cast<double>(count) * trial.cost;
  }
  return cllr_of(sums[1] / static_cast<double>(curve.targets),
                 sums[0] / static_cast<double>(curve.nontargets));
}

BootstrapResult bootstrap(const SpeakerTrials& trials, const BootstrapOptions& options) {
  const auto speakers = static_cast<uint64_t>(trials.num_speakers());
  SPC_CHECK(speakers >= 2, "a bootstrap draws speakers, and the trials have only one");
  SPC_ASSERT(options.replicates >= 1 && options.threads >= 1, "replicates and threads");
  std::vector<std::optional<DrawnFigures>> all(static_cast<size_t>(options.replicates));
  std::atomic<size_t> next = 0;
  const auto work = [&] {
    std::vector<int32_t> drawn(speakers);
    for (size_t i = next++; i < all.size(); i = next++) {
      Random random(options.seed, {i});
      std::fill(drawn.begin(), drawn.end(), 0);
      for (uint64_t draw = 0; draw < speakers; ++draw) ++drawn[random.below(speakers)];
      all[i] = trials.figures(drawn);
    }
  };
  std::vector<std::future<void>> others;  // a failure in one of them comes out of get()
  for (int i = 1; i < std::min(options.threads, options.replicates); ++i)
    others.push_back(std::async(std::launch::async, work));
  work();
  for (std::future<void>& each : others) each.get();

  BootstrapResult result;
  result.replicates =
      std::count_if(all.begin(), all.end(), [](const auto& each) { return each.has_value(); });
  SPC_CHECK(result.replicates > 0, "no draw of speakers has both kinds of trials");
  const auto of = [&](double DrawnFigures::*figure) {
    return interval_of(all, figure, options.level);
  };
  result.eer = of(&DrawnFigures::eer);
  result.min_dcf_01 = of(&DrawnFigures::min_dcf_01);
  result.min_dcf_05 = of(&DrawnFigures::min_dcf_05);
  result.act_dcf_01 = of(&DrawnFigures::act_dcf_01);
  result.act_dcf_05 = of(&DrawnFigures::act_dcf_05);
  result.cllr = of(&DrawnFigures::cllr);
  return result;
}

double quantile(std::vector<double>& values, double p) {
  SPC_ASSERT(!values.empty() && p >= 0 && p <= 1, "quantile ", p, " of ", values.size(), " values");
  std::sort(values.begin(), values.end());
  const double place = p * static_cast<double>(values.size() - 1);
  const auto below = static_cast<size_t>(place);
  if (below + 1 == values.size()) return values.back();
  return std::lerp(values[below], values[below + 1], place - std::floor(place));
}

}  // namespace spc
