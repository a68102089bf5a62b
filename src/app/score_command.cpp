#include <filesystem>
#include <iostream>

#include "app/commands.h"
#include "app/score_text.h"
#include "app/scorer.h"
#include "base/error.h"
#include "base/json.h"

namespace spc {
namespace {

constexpr const char* kScoreUsage =
    R"(usage: spcnet score --embeddings E.h5 --trials T [--trials T ...] [--mean E.h5 | --whitening W.h5]
  spcnet score --embeddings eval.h5 --trials trials_all.txt --mean train.h5
  spcnet score --embeddings vox1.h5 --trials O=vox1_O.txt --trials E=vox1_E.txt --trials H=vox1_H.txt \
               --mean vox2.h5 --cohort vox2.h5 --cohort-utt2spk vox2.utt2spk --scores scores
Cosine scores of trial lists (`1 a b` or `a b target`): equal error rate in percent, minimum
detection cost; actual detection cost and Cllr, which take a score for a log-likelihood ratio.)";

}  // namespace

int score_command(const Arguments& arguments) {
  ScoreOptions options;
  OptionSet table(kScoreUsage);
  options.add_to(table);
  if (!table.parse(arguments)) return kExitDone;
  if (!options.scores.empty())
    with_context("--scores " + options.scores,
                 [&] { std::filesystem::create_directories(options.scores); });

  const Scorer scorer(options);
  const std::vector<std::string>& names = scorer.names();
  std::vector<ListFigures> figures;
  figures.reserve(names.size());
  for (size_t i = 0; i < names.size(); ++i) figures.push_back(scorer.score(i));
  if (!options.json) {
    std::cout << figures_table(names, figures, !options.calibrate.empty());
  } else if (names.size() == 1) {
    std::cout << figures_json(figures[0]) << "\n";
  } else {
    JsonObject all;
    for (size_t i = 0; i < names.size(); ++i) all.raw(names[i], figures_json(figures[i]));
    std::cout << all.str() << "\n";
  }
  return kExitDone;
}

}  // namespace spc
