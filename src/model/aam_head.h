// The classifier of pseudo labels: cosine similarity of an embedding to one direction a class.
#pragma once

#include "model/layers.h"

namespace spc {

class AamHead {
 public:
  /// @param embedding_dim E
  AamHead(int64_t num_classes, int64_t embedding_dim, uint64_t seed,
          const at::TensorOptions& options = at::kFloat);

  /// @returns [B, C] cosines, float32 (float64 in double precision)
  [[nodiscard]] at::Tensor forward(const at::Tensor& embedding_BE) const;

  [[nodiscard]] const TensorTable& tensors() const { return table_; }

 private:
  TensorTable table_;
  at::Tensor weight_;  // [C, E]; rows are normalised in forward()
};

}  // namespace spc
