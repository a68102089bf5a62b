#include <cstdio>
#include <filesystem>
#include <iostream>
#include <optional>

#include "app/commands.h"
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

std::string to_json(const Interval& interval, double scale) {
  return JsonArray()
      .raw(json_number(scale * interval.low))
      .raw(json_number(scale * interval.high))
      .str();
}

std::string to_json(const ListFigures& figures) {
  JsonObject json;
  json.set("eer", 100 * figures.eer)
      .set("eer_arg_min", 100 * figures.eer_arg_min)
      .set("min_dcf_0.01", figures.min_dcf_01)
      .set("min_dcf_0.05", figures.min_dcf_05)
      .set("act_dcf_0.01", figures.act_dcf_01)
      .set("act_dcf_0.05", figures.act_dcf_05);
  json.set("cllr", figures.cllr)
      .set("targets", figures.targets)
      .set("nontargets", figures.nontargets);
  if (figures.intervals)
    json.raw("intervals", JsonObject()
                              .raw("eer", to_json(figures.intervals->eer, 100))
                              .raw("min_dcf_0.01", to_json(figures.intervals->min_dcf_01, 1))
                              .raw("min_dcf_0.05", to_json(figures.intervals->min_dcf_05, 1))
                              .set("replicates", figures.intervals->replicates)
                              .str());
  return json.str();
}

std::string interval_text(const std::optional<BootstrapResult>& intervals,
                          Interval BootstrapResult::*figure, double scale, int digits) {
  if (!intervals) return "";
  char text[64];
  std::snprintf(text, sizeof text, "   95 %%: %.*f to %.*f", digits,
                scale * ((*intervals).*figure).low, digits, scale * ((*intervals).*figure).high);
  return text;
}

void print(const std::string& name, const ListFigures& figures) {
  const auto interval = [&](Interval BootstrapResult::*figure, double scale, int digits) {
    return interval_text(figures.intervals, figure, scale, digits);
  };
  std::printf("%-16s%lld target, %lld nontarget\n", ("trials" + name).c_str(),
              static_cast<long long>(figures.targets), static_cast<long long>(figures.nontargets));
  std::printf("EER             %.3f %%   (arg-min %.3f %%)%s\n", 100 * figures.eer,
              100 * figures.eer_arg_min, interval(&BootstrapResult::eer, 100, 3).c_str());
  std::printf("minDCF(0.01)    %.4f%s\n", figures.min_dcf_01,
              interval(&BootstrapResult::min_dcf_01, 1, 4).c_str());
  std::printf("minDCF(0.05)    %.4f%s\n", figures.min_dcf_05,
              interval(&BootstrapResult::min_dcf_05, 1, 4).c_str());
  std::printf("actDCF(0.01)    %.4f\nactDCF(0.05)    %.4f\nCllr            %.4f\n",
              figures.act_dcf_01, figures.act_dcf_05, figures.cllr);
}

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
  JsonObject all;
  for (size_t i = 0; i < names.size(); ++i) {
    const ListFigures figures = scorer.score(i);
    if (!options.json) print(names.size() > 1 ? " " + names[i] : "", figures);
    if (options.json && names.size() == 1) std::cout << to_json(figures) << "\n";
    all.raw(names[i], to_json(figures));
  }
  if (options.json && names.size() > 1) std::cout << all.str() << "\n";
  return kExitDone;
}

}  // namespace spc
