#include "eval/as_norm.h"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <c10/core/GradMode.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "base/error.h"
#include "base/random.h"

namespace spc {

Cohort cohort_of_classes(std::span<const float> embeddings_UE, size_t dim,
                         std::span<const int32_t> class_of_row,
                         const std::vector<std::string>& names, const BackEnd& back_end) {
  SPC_ASSERT(embeddings_UE.size() == class_of_row.size() * dim, embeddings_UE.size(), " values of ",
             class_of_row.size(), " rows of ", dim);
  std::vector<double> sums(names.size() * dim);
  std::vector<double> counts(names.size());
  for (size_t row = 0; row < class_of_row.size(); ++row) {
    if (class_of_row[row] < 0) continue;
    const auto member = static_cast<size_t>(class_of_row[row]);
    ++counts.at(member);
    for (size_t i = 0; i < dim; ++i)
      sums[member * dim + i] += static_cast<double>(embeddings_UE[row * dim + i]);
  }
  Cohort cohort{back_end.dim_of_result(dim), {}};
  std::vector<double> mean(dim);
  for (size_t member = 0; member < names.size(); ++member) {
    if (counts[member] == 0) continue;
    for (size_t i = 0; i < dim; ++i) mean[i] = sums[member * dim + i] / counts[member];
    cohort.values.resize(cohort.values.size() + cohort.dim);
    apply(back_end, mean, concat("cohort speaker '", names[member], "'"),
          std::span(cohort.values).last(cohort.dim));
  }
  return cohort;
}

Cohort cohort_of_utterances(std::span<const float> embeddings_UE, size_t dim,
                            const std::vector<std::string>& utts, int64_t count, uint64_t seed,
                            const BackEnd& back_end) {
  std::vector<size_t> rows(utts.size());
  std::iota(rows.begin(), rows.end(), size_t{0});
  if (count > 0 && static_cast<size_t>(count) < rows.size()) {
    Random random(seed, {});
    for (size_t i = 0; i < static_cast<size_t>(count); ++i)
      std::swap(rows[i], rows[i + random.below(rows.size() - i)]);
    rows.resize(static_cast<size_t>(count));
  }
  Cohort cohort{back_end.dim_of_result(dim), {}};
  cohort.values.resize(rows.size() * cohort.dim);
  for (size_t i = 0; i < rows.size(); ++i) {
    const std::span<const float> embedding = embeddings_UE.subspan(rows[i] * dim, dim);
    apply(back_end, {embedding.begin(), embedding.end()},
          concat("cohort utterance '", utts[rows[i]], "'"),
          std::span(cohort.values).subspan(i * cohort.dim, cohort.dim));
  }
  return cohort;
}

CohortStatistics cohort_statistics(const UnitRows& rows, const Cohort& cohort, int64_t top_n,
                                   int threads) {
  SPC_ASSERT(rows.dim == cohort.dim && top_n >= 1 && top_n <= cohort.size(), "top ", top_n, " of ",
             cohort.size(), " members of ", cohort.dim, " dimensions for rows of ", rows.dim);
  constexpr int64_t kBlock = 512;  // rows at a time: their cosines fit the cache
  constexpr double kLeastDeviation = 1e-9;
  const c10::NoGradGuard no_grad;
  at::set_num_threads(threads);
  const auto dim = static_cast<int64_t>(rows.dim);
  const auto num_rows = static_cast<int64_t>(rows.values.size()) / dim;
  const auto view = [&](const std::vector<double>& values, int64_t count) {
    return at::from_blob(const_cast<double*>(values.data()), {count, dim}, at::kDouble);
  };
  const at::Tensor members = view(cohort.values, cohort.size()).t();
  const at::Tensor all = view(rows.values, num_rows);
  CohortStatistics statistics;
  statistics.mean.resize(static_cast<size_t>(num_rows));
  statistics.deviation.resize(static_cast<size_t>(num_rows));
  for (int64_t begin = 0; begin < num_rows; begin += kBlock) {
    const int64_t count = std::min(kBlock, num_rows - begin);
    const at::Tensor cosines = at::mm(all.narrow(0, begin, count), members);
    const at::Tensor top = std::get<0>(cosines.topk(top_n, 1, true, false));
    const at::Tensor mean = top.mean(1).contiguous();
    const at::Tensor deviation = top.std(1, false).contiguous();
    std::copy_n(mean.const_data_ptr<double>(), count, statistics.mean.begin() + begin);
    std::copy_n(deviation.const_data_ptr<double>(), count, statistics.deviation.begin() + begin);
  }
  const auto least = std::min_element(statistics.deviation.begin(), statistics.deviation.end());
  SPC_CHECK(least == statistics.deviation.end() || *least > kLeastDeviation,
            "an embedding is equally like all ", top_n,
            " nearest members of the cohort, so its scores cannot be normalised; take a larger "
            "cohort or --top-n");
  return statistics;
}

void as_norm(const UnitRows& rows, const Trials& trials, const CohortStatistics& statistics,
             std::span<double> scores) {
  SPC_ASSERT(scores.size() == trials.size(), scores.size(), " scores for ", trials.size(),
             " trials");
  const auto normed = [&](double score, int32_t row) {
    const auto slot = static_cast<size_t>(rows.slot_of_row[static_cast<size_t>(row)]);
    return (score - statistics.mean[slot]) / statistics.deviation[slot];
  };
  for (size_t n = 0; n < scores.size(); ++n)
    scores[n] = 0.5 * (normed(scores[n], trials.enrol[n]) + normed(scores[n], trials.test[n]));
}

}  // namespace spc
