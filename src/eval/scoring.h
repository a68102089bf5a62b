// Cosine scores of trials. Embeddings are float32 rows, all arithmetic is double.
// Legend: U utterances, E dimension of an embedding, P of a projected one, N trials
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include "eval/trials.h"

namespace spc {

/// The mean of all rows: [E]. Subtracting it before the cosine removes what all speakers share.
/// @param embeddings_UE  row-major, U >= 1
/// @throws Error  a value is not finite (names the row), or there are no rows
std::vector<double> mean_embedding(std::span<const float> embeddings_UE, size_t dim);

/// What is done to embeddings before their cosine.
struct BackEnd {
  std::vector<double> mean;        // [E] subtracted; empty: nothing is
  std::vector<double> projection;  // [E, P] row-major; what is left is multiplied by it. Embeddings
                                   // are then scaled to length 1 first of all. Empty: none
};

/// The cosine of the two embeddings of every trial: [N], in [-1, 1] up to rounding.
/// @param embeddings_UE  row-major; rows that no trial uses are not looked at
/// @param utts           [U] ids, for messages
/// @throws Error  a used embedding is not finite or, with the mean subtracted, of length zero
///                (names the utterance).   Thread-safe: no state. Memory: 8 E bytes per used row.
std::vector<double> cosine_scores(std::span<const float> embeddings_UE, size_t dim,
                                  const std::vector<std::string>& utts, const Trials& trials,
                                  const BackEnd& back_end = {});

}  // namespace spc
