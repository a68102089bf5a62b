// Figures of trial lists, for people and for programs.
#pragma once

#include <string>
#include <vector>

#include "eval/evaluate.h"

namespace spc {

/// A column for each list, a row for each figure; rates in percent.
/// @param names, figures  of the lists, as many of each
/// @param ratios  scores are log-likelihood ratios; otherwise a line says which figures need them
std::string figures_table(const std::vector<std::string>& names,
                          const std::vector<ListFigures>& figures, bool ratios);

/// {"eer": percent, "min_dcf_0.01": ..., "intervals": {"eer": [low, high], ...}}
std::string figures_json(const ListFigures& figures);

}  // namespace spc
