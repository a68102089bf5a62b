#include "model/aam_head.h"

#include <ATen/ATen.h>

#include "model/unit_rows.h"

namespace spc {

AamHead::AamHead(int64_t num_classes, int64_t embedding_dim, uint64_t seed,
                 const at::TensorOptions& options)
    : weight_(
          TensorBuilder(table_, seed, options)
              .parameter("weight", {num_classes, embedding_dim}, fan_in_uniform(embedding_dim))) {}

at::Tensor AamHead::forward(const at::Tensor& embedding) const {
  const at::ScalarType wide = weight_.scalar_type();
  return at::linear(unit_rows(embedding.to(wide)), unit_rows(weight_)).to(wide);
}

}  // namespace spc
