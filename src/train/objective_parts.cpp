#include "train/objective_parts.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <cmath>

namespace spc {

at::Tensor views_tensor(const std::vector<float>& feats, int64_t views, RowRange rows,
                        int64_t frames, int64_t num_mel_bins, const at::TensorOptions& options) {
  const int64_t row_size = frames * num_mel_bins;
  const int64_t all_rows = static_cast<int64_t>(feats.size()) / (views * row_size);
  // The batch outlives the step, so the tensor may look straight into it; nothing writes there.
  return at::from_blob(const_cast<float*>(feats.data()), {views, all_rows, row_size}, at::kFloat)
      .narrow(1, rows.begin, rows.size())
      .reshape({views * rows.size(), frames, num_mel_bins})
      .to(options);
}

void append(const std::string& prefix, const TensorTable& from, TensorTable& to) {
  for (const NamedTensor& each : from)
    to.push_back({prefix + each.name, each.tensor, each.trainable});
}

double direction_spread(const at::Tensor& embeddings) {
  const at::Tensor unit = embeddings / embeddings.norm(2, {1}, true).clamp_min(1e-12);
  return std::sqrt(std::max(0.0, 1.0 - unit.mean(0).square().sum().item<double>()));
}

void add_figures(const Figures& share, Figures& of_step) {
  if (of_step.empty()) {
    of_step = share;
    return;
  }
  for (size_t i = 0; i < share.size(); ++i) of_step[i].second += share[i].second;
}

}  // namespace spc
