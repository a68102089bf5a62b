#include "eval/scoring.h"

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

/// Writes (row - mean) / |row - mean|.
void normalise(std::span<const float> row, std::span<const double> mean, const std::string& utt,
               double* unit) {
  for (size_t i = 0; i < row.size(); ++i) {
    SPC_CHECK(std::isfinite(row[i]), "the embedding of utterance '", utt, "' has the value ",
              row[i], " at ", i, "; extract it again, from a model whose loss was finite");
    unit[i] = static_cast<double>(row[i]) - (mean.empty() ? 0.0 : mean[i]);
  }
  const double length = std::sqrt(dot(unit, unit, row.size()));
  SPC_CHECK(length > 0, "the embedding of utterance '", utt, "' is ",
            mean.empty() ? "zero" : "the mean embedding itself",
            ", so it has no cosine; extract it again, or leave out its trials");
  for (size_t i = 0; i < row.size(); ++i) unit[i] /= length;
}

}  // namespace

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

std::vector<double> cosine_scores(std::span<const float> embeddings_UE, size_t dim,
                                  const std::vector<std::string>& utts, const Trials& trials,
                                  std::span<const double> mean_E) {
  SPC_ASSERT(dim > 0 && embeddings_UE.size() == utts.size() * dim, embeddings_UE.size(),
             " values are not ", utts.size(), " rows of ", dim);
  SPC_ASSERT(mean_E.empty() || mean_E.size() == dim, "mean of ", mean_E.size(),
             " values for embeddings of ", dim);
  // A list may use few of the rows, so only those get a slot.
  std::vector<int32_t> slot_of_row(utts.size(), -1);
  std::vector<size_t> row_of_slot;
  for (const std::vector<int32_t>* side : {&trials.enrol, &trials.test}) {
    for (const int32_t row : *side) {
      int32_t& slot = slot_of_row.at(static_cast<size_t>(row));
      if (slot >= 0) continue;
      slot = static_cast<int32_t>(row_of_slot.size());
      row_of_slot.push_back(static_cast<size_t>(row));
    }
  }
  std::vector<double> units(row_of_slot.size() * dim);
  for (size_t slot = 0; slot < row_of_slot.size(); ++slot) {
    const size_t row = row_of_slot[slot];
    normalise(embeddings_UE.subspan(row * dim, dim), mean_E, utts[row], &units[slot * dim]);
  }
  const auto unit = [&](int32_t row) {
    return &units[static_cast<size_t>(slot_of_row[static_cast<size_t>(row)]) * dim];
  };
  std::vector<double> scores(trials.size());
  for (size_t n = 0; n < scores.size(); ++n) {
    scores[n] = dot(unit(trials.enrol[n]), unit(trials.test[n]), dim);
  }
  return scores;
}

}  // namespace spc
