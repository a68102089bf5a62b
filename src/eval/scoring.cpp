#include "eval/scoring.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>

#include "base/error.h"

namespace spc {
namespace {

/// Eight partial sums: with one, each addition waits for the last, which takes twice the time.
double dot(const double* a, const double* b, size_t dim) {
  std::array<double, 8> sums{};
  size_t i = 0;
  for (; i + sums.size() <= dim; i += sums.size()) {
    for (size_t lane = 0; lane < sums.size(); ++lane) sums[lane] += a[i + lane] * b[i + lane];
  }
  for (size_t lane = 0; i < dim; ++i, ++lane) sums[lane] += a[i] * b[i];
  return ((sums[0] + sums[4]) + (sums[2] + sums[6])) + ((sums[1] + sums[5]) + (sums[3] + sums[7]));
}

void to_unit_length(std::span<double> values, const std::string& name, bool centred) {
  const double length = std::sqrt(dot(values.data(), values.data(), values.size()));
  SPC_CHECK(length > 0, "the embedding of ", name, " is ",
            centred ? "the mean embedding itself" : "zero",
            ", so it has no cosine; extract it again, or leave out its trials");
  for (double& value : values) value /= length;
}

}  // namespace

void apply(const BackEnd& back_end, std::vector<double> embedding, const std::string& name,
           std::span<double> unit) {
  std::vector<double>& values = embedding;
  for (size_t i = 0; i < values.size(); ++i)
    SPC_CHECK(std::isfinite(values[i]), "the embedding of ", name, " has the value ", values[i],
              " at ", i, "; extract it again, from a model whose loss was finite");
  const bool centred = !back_end.mean.empty();
  if (!back_end.projection.empty()) to_unit_length(values, name, false);
  for (size_t i = 0; centred && i < values.size(); ++i) values[i] -= back_end.mean[i];
  if (back_end.projection.empty()) {
    std::copy(values.begin(), values.end(), unit.begin());
  } else {
    std::fill(unit.begin(), unit.end(), 0.0);
    for (size_t i = 0; i < values.size(); ++i)
      for (size_t p = 0; p < unit.size(); ++p)
        unit[p] += values[i] * back_end.projection[i * unit.size() + p];
  }
  to_unit_length(unit, name, centred);
}

std::vector<double> mean_embedding(std::span<const float> embeddings_UE, size_t dim) {
  SPC_ASSERT(dim > 0 && embeddings_UE.size() % dim == 0, embeddings_UE.size(),
             " values are not rows of ", dim);
  SPC_CHECK(!embeddings_UE.empty(), "no embeddings, so they have no mean");
  const size_t rows = embeddings_UE.size() / dim;
  std::vector<double> mean(dim, 0.0);
  for (size_t row = 0; row < rows; ++row) {
    for (size_t i = 0; i < dim; ++i) {
      const float value = embeddings_UE[row * dim + i];
      SPC_CHECK(std::isfinite(value), "the embedding in row ", row, " has the value ", value,
                " at ", i, "; extract it again, from a model whose loss was finite");
      mean[i] += static_cast<double>(value);
    }
  }
  for (double& each : mean) each /= static_cast<double>(rows);
  return mean;
}

UnitRows unit_rows(std::span<const float> embeddings_UE, size_t dim,
                   const std::vector<std::string>& utts, std::span<const Trials> lists,
                   const BackEnd& back_end) {
  SPC_ASSERT(dim > 0 && embeddings_UE.size() == utts.size() * dim, embeddings_UE.size(),
             " values are not ", utts.size(), " rows of ", dim);
  SPC_ASSERT(back_end.mean.empty() || back_end.mean.size() == dim, "mean of ", back_end.mean.size(),
             " values for embeddings of ", dim);
  SPC_ASSERT(back_end.projection.size() % dim == 0, "projection of ", back_end.projection.size(),
             " values for embeddings of ", dim);
  UnitRows rows{back_end.dim_of_result(dim), {}, std::vector<int32_t>(utts.size(), -1)};
  // A list may use few of the rows, so only those get a slot.
  std::vector<size_t> row_of_slot;
  const auto add = [&](int32_t row) {
    int32_t& slot = rows.slot_of_row.at(static_cast<size_t>(row));
    if (slot >= 0) return;
    slot = static_cast<int32_t>(row_of_slot.size());
    row_of_slot.push_back(static_cast<size_t>(row));
  };
  for (const Trials& trials : lists) {
    std::for_each(trials.enrol.begin(), trials.enrol.end(), add);
    std::for_each(trials.test.begin(), trials.test.end(), add);
  }
  rows.values.resize(row_of_slot.size() * rows.dim);
  for (size_t slot = 0; slot < row_of_slot.size(); ++slot) {
    const size_t row = row_of_slot[slot];
    const std::span<const float> embedding = embeddings_UE.subspan(row * dim, dim);
    apply(back_end, {embedding.begin(), embedding.end()}, concat("utterance '", utts[row], "'"),
          std::span(rows.values).subspan(slot * rows.dim, rows.dim));
  }
  return rows;
}

std::vector<double> cosine_scores(const UnitRows& rows, const Trials& trials) {
  std::vector<double> scores(trials.size());
  for (size_t n = 0; n < scores.size(); ++n)
    scores[n] =
        dot(rows.of_row(trials.enrol[n]).data(), rows.of_row(trials.test[n]).data(), rows.dim);
  return scores;
}

std::vector<double> cosine_scores(std::span<const float> embeddings_UE, size_t dim,
                                  const std::vector<std::string>& utts, const Trials& trials,
                                  const BackEnd& back_end) {
  return cosine_scores(unit_rows(embeddings_UE, dim, utts, std::span(&trials, 1), back_end),
                       trials);
}

}  // namespace spc
