// All figures of one trial list.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "eval/bootstrap.h"
#include "eval/trials.h"

namespace spc {

struct ListFigures {
  int64_t targets = 0;
  int64_t nontargets = 0;
  double eer = 0;  // in [0, 1], as eer_arg_min
  double eer_arg_min = 0;
  double min_dcf_01 = 0;  // p_target 0.01
  double min_dcf_05 = 0;  // p_target 0.05
  double act_dcf_01 = 0;  // likewise, of the scores as log-likelihood ratios
  double act_dcf_05 = 0;
  double cllr = 0;                           // bits
  std::optional<BootstrapResult> intervals;  // not by evaluate()
};

/// @param scores  [N], calibrated or not   @throws Error  a NaN, or one kind of trials is missing
ListFigures evaluate(std::span<const double> scores, const Trials& trials);

/// One line a trial, `enrol test score`, as Kaldi has it. Published whole or not at all.
void write_scores(const std::filesystem::path& path, const std::vector<std::string>& utts,
                  const Trials& trials, std::span<const double> scores);

}  // namespace spc
