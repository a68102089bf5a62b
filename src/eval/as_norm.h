// Adaptive symmetric score normalisation: a score is measured by how either side scores against
// the members of a cohort that are most like it.
// Legend: S rows that trials use, P dimension, C members of the cohort
// Source: Matejka et al., "Analysis of score normalization in multilingual speaker recognition",
// 2017 (its AS-norm1); numbers are those of WeSpeaker's score_norm.py.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "eval/scoring.h"

namespace spc {

/// Members of a cohort, rows of length 1.
struct Cohort {
  size_t dim = 0;              // P
  std::vector<double> values;  // [C, P]
  [[nodiscard]] int64_t size() const { return static_cast<int64_t>(values.size() / dim); }
};

/// A member for each class: the mean of its embeddings, by the back end.
/// @param class_of_row  [U] 0 ... C-1; -1: of none      @param names  [C] for messages
/// @throws Error  as apply()
Cohort cohort_of_classes(std::span<const float> embeddings_UE, size_t dim,
                         std::span<const int32_t> class_of_row,
                         const std::vector<std::string>& names, const BackEnd& back_end);

/// So many embeddings, drawn without replacement, each by the back end.
/// @param count  0 or more than there are: all of them
Cohort cohort_of_utterances(std::span<const float> embeddings_UE, size_t dim,
                            const std::vector<std::string>& utts, int64_t count, uint64_t seed,
                            const BackEnd& back_end);

/// Of each row's `top_n` highest cosines with the cohort.
struct CohortStatistics {
  std::vector<double> mean;       // [S]
  std::vector<double> deviation;  // [S] standard, of the population
};

/// @param top_n  1 ... C
/// @throws Error  a row is equally like all of its members, so that nothing can be divided by
CohortStatistics cohort_statistics(const UnitRows& rows, const Cohort& cohort, int64_t top_n,
                                   int threads);

/// ((s - mean_enrol) / deviation_enrol + (s - mean_test) / deviation_test) / 2 for every score s.
void as_norm(const UnitRows& rows, const Trials& trials, const CohortStatistics& statistics,
             std::span<double> scores);

}  // namespace spc
