#include "train/objective_parts.h"

#include <ATen/ATen.h>

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

at::Tensor direction_spread(const at::Tensor& embeddings) {
  const at::Tensor unit = embeddings / embeddings.norm(2, {1}, true).clamp_min(1e-12);
  return (1 - unit.mean(0).square().sum()).clamp_min(0).sqrt();
}

}  // namespace spc
