// Cosine scores of trials. Embeddings are float32 rows, all arithmetic is double.
// Legend: U utterances, E dimension of an embedding, P of a projected one, N trials, S rows that
// trials use
#pragma once

#include <cstddef>
#include <cstdint>
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
  /// P, or E without a projection.
  [[nodiscard]] size_t dim_of_result(size_t dim) const {
    return projection.empty() ? dim : projection.size() / dim;
  }
};

/// Applies the back end to one embedding, [E], and scales the result to length 1.
/// @param name  of the row, for messages   @param unit  [P] what comes out
/// @throws Error  a value is not finite, or what is left has length zero
void apply(const BackEnd& back_end, std::vector<double> embedding, const std::string& name,
           std::span<double> unit);

/// Rows of length 1, so that a cosine is an inner product.
struct UnitRows {
  size_t dim = 0;                    // P
  std::vector<double> values;        // [S, P]
  std::vector<int32_t> slot_of_row;  // [U] where a row of the embeddings lies; -1: nowhere

  [[nodiscard]] std::span<const double> of_row(int32_t row) const {
    const auto slot = static_cast<size_t>(slot_of_row[static_cast<size_t>(row)]);
    return std::span(values).subspan(slot * dim, dim);
  }
};

/// The rows that any of the lists uses, by the back end.
/// @param embeddings_UE  row-major; other rows are not looked at
/// @param utts           [U] ids, for messages
/// @throws Error  a used embedding is not finite or, with the mean subtracted, of length zero
///                (names the utterance).   Thread-safe: no state. Memory: 8 P bytes a used row.
UnitRows unit_rows(std::span<const float> embeddings_UE, size_t dim,
                   const std::vector<std::string>& utts, std::span<const Trials> lists,
                   const BackEnd& back_end = {});

/// The cosine of the two embeddings of every trial: [N], in [-1, 1] up to rounding.
std::vector<double> cosine_scores(const UnitRows& rows, const Trials& trials);
/// Both at once, for a single list.
std::vector<double> cosine_scores(std::span<const float> embeddings_UE, size_t dim,
                                  const std::vector<std::string>& utts, const Trials& trials,
                                  const BackEnd& back_end = {});

}  // namespace spc
