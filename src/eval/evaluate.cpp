#include "eval/evaluate.h"

#include <cstdio>

#include "base/error.h"
#include "base/file.h"
#include "eval/calibration.h"
#include "eval/det.h"

namespace spc {

ListFigures evaluate(std::span<const double> scores, const Trials& trials) {
  const DetCurve curve = det_curve(scores, trials.target);
  ListFigures figures;
  figures.targets = curve.targets;
  figures.nontargets = curve.nontargets;
  figures.eer = eer(curve);
  figures.eer_arg_min = eer_arg_min(curve);
  figures.min_dcf_01 = min_dcf(curve, 0.01);
  figures.min_dcf_05 = min_dcf(curve, 0.05);
  figures.act_dcf_01 = act_dcf(scores, trials.target, 0.01);
  figures.act_dcf_05 = act_dcf(scores, trials.target, 0.05);
  figures.cllr = cllr(scores, trials.target);
  return figures;
}

void write_scores(const std::filesystem::path& path, const std::vector<std::string>& utts,
                  const Trials& trials, std::span<const double> scores) {
  SPC_ASSERT(scores.size() == trials.size(), scores.size(), " scores for ", trials.size(),
             " trials");
  std::string text;
  char number[32];
  for (size_t n = 0; n < scores.size(); ++n) {
    std::snprintf(number, sizeof number, " %.9g\n", scores[n]);
    text += utts[static_cast<size_t>(trials.enrol[n])] + ' ' +
            utts[static_cast<size_t>(trials.test[n])] + number;
  }
  write_text_atomically(path, text);
}

}  // namespace spc
