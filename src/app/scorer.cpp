#include "app/scorer.h"

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <string_view>
#include <unordered_set>

#include "base/error.h"
#include "base/log.h"
#include "pseudo/labels.h"
#include "store/tensor_file.h"

namespace spc {
namespace {

constexpr int kFewestDraws = 100;     // of which 2.5 % are more than two
constexpr int64_t kFewSpeakers = 20;  // whose draws say little of other speakers
constexpr double kUsableShare = 0.9;  // of the draws

// Intervals of few speakers are narrow for no good reason, down to a width of zero.
void warn_of_few(const std::string& list, int64_t speakers, int64_t usable, int64_t draws) {
  if (speakers >= kFewSpeakers &&
      static_cast<double>(usable) >= kUsableShare * static_cast<double>(draws))
    return;
  log_warning(concat("trials ", list, ": do not rely on the intervals: they are of ", speakers,
                     " speakers, and of ", draws, " draws of these ", usable,
                     " had both kinds of trials; take a list of more speakers, ", kFewSpeakers,
                     " at least"));
}

BackEnd read_whitening(const std::filesystem::path& path, int64_t dim) {
  const TensorFile file(path);
  SPC_CHECK(file.contains("mean") && file.contains("projection"), path.string(),
            " holds no mean and projection; it is made by `spcnet cluster --half-whiten`");
  const TensorView& mean = file.tensors().at("mean");
  const TensorView& projection = file.tensors().at("projection");
  SPC_CHECK(mean.dtype == DType::kFloat64 && projection.dtype == DType::kFloat64 &&
                projection.shape.size() == 2 && projection.shape[1] > 0 &&
                mean.shape == std::vector<int64_t>{projection.shape[0]},
            path.string(),
            " is damaged: mean must be float64 [E], projection float64 [E, P]; make it anew with "
            "`spcnet cluster --half-whiten`");
  SPC_CHECK(projection.shape[0] == dim, path.string(), " is for embeddings of ",
            projection.shape[0], " dimensions, these have ", dim);
  BackEnd back_end;
  back_end.mean.resize(static_cast<size_t>(dim));
  back_end.projection.resize(static_cast<size_t>(dim * projection.shape[1]));
  file.read("mean", back_end.mean.data());
  file.read("projection", back_end.projection.data());
  for (const std::vector<double>* values : {&back_end.mean, &back_end.projection})
    SPC_CHECK(
        std::all_of(values->begin(), values->end(), [](double x) { return std::isfinite(x); }),
        path.string(), " holds a value that is not finite; make it anew");
  return back_end;
}

/// Embeddings of the same dimension as those that are scored.
Embeddings read_others(const std::string& path, const std::string& scored_path, int64_t dim) {
  Embeddings others = read_embeddings(path);
  SPC_CHECK(others.dim == dim, path, " has ", others.dim, " dimensions, ", scored_path, " has ",
            dim, "; extract both with one network");
  return others;
}

}  // namespace

void ScoreOptions::add_to(OptionSet& options) {
  options.add("embeddings", embeddings, "embeddings.h5 of `spcnet extract`");
  options.add("trials", trials, "trial list, FILE or NAME=FILE; may be given several times");
  options.add("mean", mean, "subtract the mean of these embeddings first");
  options.add("whitening", whitening,
              "half-whiten embeddings first: whitening.h5 of `spcnet cluster --half-whiten`");
  options.add("cohort", cohort,
              "normalise scores (AS-norm) by these embeddings, of other speakers");
  options.add("cohort-utt2spk", cohort_utt2spk,
              "the cohort is the means of these speakers ('utt spk' lines); without it, of "
              "utterances");
  options.add("cohort-size", cohort_size, "so many utterances of it, drawn by --seed; 0: all");
  options.add("top-n", top_n, "of the cohort's members, those that are most like the embedding");
  options.add("calibrate", calibrate,
              "make scores log-likelihood ratios, by logistic regression on this list of trials "
              "of other speakers, in the same embeddings");
  options.add("bootstrap", bootstrap.replicates,
              "95 % intervals of all figures from so many draws of speakers, 100 or more, e.g. "
              "1000; 0: none");
  options.add("utt2spk", utt2spk, "speakers of the trials, for --bootstrap");
  options.add("scores", scores, "folder for NAME.txt of each list, lines 'enrol test score'");
  options.add("seed", seed, "of what is drawn");
  options.add("threads", bootstrap.threads, "threads");
  options.add_switch("json", json, "print JSON; several lists by their names");
  options.add_check([this] { check(); });
}

void ScoreOptions::check() {
  SPC_USAGE_CHECK(!embeddings.empty(), "--embeddings E.h5 is missing");
  SPC_USAGE_CHECK(!trials.empty(), "--trials T is missing");
  SPC_USAGE_CHECK(mean.empty() || whitening.empty(),
                  "--whitening subtracts a mean already; drop --mean");
  SPC_USAGE_CHECK(!cohort.empty() || (cohort_utt2spk.empty() && cohort_size == 0),
                  "--cohort-utt2spk and --cohort-size need --cohort E.h5");
  SPC_USAGE_CHECK(cohort_utt2spk.empty() || cohort_size == 0,
                  "a cohort is of speakers (--cohort-utt2spk) or of utterances (--cohort-size)");
  SPC_USAGE_CHECK(cohort_size >= 0 && top_n >= 2, "--cohort-size must be >= 0, --top-n >= 2");
  const int draws = bootstrap.replicates;
  SPC_USAGE_CHECK(draws == 0 || (draws >= kFewestDraws && draws <= 1'000'000), "--bootstrap ",
                  draws, ": must be ", kFewestDraws,
                  " to 1000000, as 95 % intervals need their tails, or 0 for none");
  SPC_USAGE_CHECK(draws == 0 || !utt2spk.empty(),
                  "--bootstrap draws speakers; give them by --utt2spk FILE");
  SPC_USAGE_CHECK(bootstrap.threads >= 1 && bootstrap.threads <= 1024,
                  "--threads must be 1 to 1024");
  bootstrap.seed = static_cast<uint64_t>(seed);
}

Scorer::Scorer(const ScoreOptions& options)
    : options_(options), embeddings_(read_embeddings(options.embeddings)) {
  for (const TrialList& list : parse_trial_lists(options.trials)) {
    names_.push_back(list.name);
    lists_.push_back(read_trials(list.path, embeddings_.utts));
  }
  if (!options.calibrate.empty())
    lists_.push_back(read_trials(options.calibrate, embeddings_.utts));
  const BackEnd back_end = make_back_end();
  rows_ = unit_rows(embeddings_.values, dim(), embeddings_.utts, lists_, back_end);
  if (!options.cohort.empty()) normalise_by(back_end);
  if (!options.calibrate.empty()) {
    warn_of_calibration_on_the_trials();
    calibration_ = with_context("--calibrate " + options.calibrate, [&] {
      return fit_calibration(scores_of(lists_.back()), lists_.back().target);
    });
  }
  if (options.bootstrap.replicates > 0) speakers_ = speakers_of_rows();
}

ListFigures Scorer::score(size_t index) const {
  const Trials& trials = lists_[index];
  std::vector<double> scores = scores_of(trials);
  for (double& score : scores) score = calibration_(score);
  if (!options_.scores.empty())
    write_scores(std::filesystem::path(options_.scores) / (names_[index] + ".txt"),
                 embeddings_.utts, trials, scores);
  return with_context("trials " + names_[index], [&] {
    ListFigures figures = evaluate(scores, trials);
    if (options_.bootstrap.replicates == 0) return figures;
    const SpeakerTrials of_speakers(scores, trials, speakers_);
    figures.intervals = bootstrap(of_speakers, options_.bootstrap);
    warn_of_few(names_[index], of_speakers.num_speakers(), figures.intervals->replicates,
                options_.bootstrap.replicates);
    return figures;
  });
}

BackEnd Scorer::make_back_end() const {
  if (!options_.whitening.empty()) return read_whitening(options_.whitening, embeddings_.dim);
  BackEnd back_end;
  if (options_.mean.empty()) return back_end;
  const Embeddings others = read_others(options_.mean, options_.embeddings, embeddings_.dim);
  back_end.mean = mean_embedding(others.values, dim());
  return back_end;
}

void Scorer::normalise_by(const BackEnd& back_end) {
  const Embeddings others = read_others(options_.cohort, options_.embeddings, embeddings_.dim);
  Cohort cohort;
  std::vector<int32_t> classes(others.utts.size(), 0);
  if (options_.cohort_utt2spk.empty()) {
    cohort = cohort_of_utterances(others.values, dim(), others.utts, options_.cohort_size,
                                  options_.bootstrap.seed, back_end);
  } else {
    const Labels labels = read_labels(options_.cohort_utt2spk);
    classes = classes_of(others.utts, labels);
    cohort = cohort_of_classes(others.values, dim(), classes, labels.names, back_end);
  }
  SPC_CHECK(cohort.size() > 0, options_.cohort, " has no utterance",
            options_.cohort_utt2spk.empty() ? "" : " that " + options_.cohort_utt2spk + " names");
  SPC_USAGE_CHECK(options_.top_n <= cohort.size(), "--top-n ", options_.top_n, " of a cohort of ",
                  cohort.size(), "; lower it, or take a larger cohort");
  warn_of_common_utterances(others.utts, classes);
  statistics_ = cohort_statistics(rows_, cohort, options_.top_n, options_.bootstrap.threads);
}

void Scorer::warn_of_common_utterances(const std::vector<std::string>& cohort,
                                       const std::vector<int32_t>& classes) const {
  std::unordered_set<std::string_view> tried;
  for (size_t row = 0; row < embeddings_.utts.size(); ++row)
    if (rows_.slot_of_row[row] >= 0) tried.insert(embeddings_.utts[row]);
  int64_t common = 0;
  for (size_t i = 0; i < cohort.size(); ++i)
    if (classes[i] >= 0 && tried.contains(cohort[i])) ++common;
  if (common > 0)
    log_warning(concat(common, " utterances of the trials are in the cohort ", options_.cohort,
                       ", which should be of other speakers"));
}

// What was fitted to the trials makes their own costs look better than those of any others.
void Scorer::warn_of_calibration_on_the_trials() const {
  std::vector<bool> fitted(embeddings_.utts.size());
  for (const auto* side : {&lists_.back().enrol, &lists_.back().test})
    for (const int32_t row : *side) fitted[static_cast<size_t>(row)] = true;
  for (size_t list = 0; list < names_.size(); ++list) {
    std::vector<bool> common(fitted.size());
    for (const auto* side : {&lists_[list].enrol, &lists_[list].test})
      for (const int32_t row : *side)
        common[static_cast<size_t>(row)] = fitted[static_cast<size_t>(row)];
    const auto count = std::count(common.begin(), common.end(), true);
    if (count > 0)
      log_warning(concat(count, " utterances of the trials ", names_[list], " are in --calibrate ",
                         options_.calibrate,
                         ", which should be of other speakers: actDCF and Cllr look too good"));
  }
}

std::vector<double> Scorer::scores_of(const Trials& trials) const {
  std::vector<double> scores = cosine_scores(rows_, trials);
  if (statistics_) as_norm(rows_, trials, *statistics_, scores);
  return scores;
}

std::vector<int32_t> Scorer::speakers_of_rows() const {
  std::vector<int32_t> speakers = classes_of(embeddings_.utts, read_labels(options_.utt2spk));
  for (size_t list = 0; list < names_.size(); ++list)
    for (const auto* side : {&lists_[list].enrol, &lists_[list].test})
      for (const int32_t row : *side)
        SPC_CHECK(speakers[static_cast<size_t>(row)] >= 0, options_.utt2spk,
                  ": no speaker for utterance ", embeddings_.utts[static_cast<size_t>(row)],
                  ", which has trials");
  return speakers;
}

}  // namespace spc
