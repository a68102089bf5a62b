#include "model/dino_head.h"

#include "base/error.h"
#include "model/fused_unit_rows.h"
#include "model/unit_rows.h"

namespace spc {

void DinoHeadConfig::add_to(OptionSet& options) {
  options.add("dino.out_dim", out_dim, "K, number of prototypes");
  options.add("dino.hidden_dim", hidden_dim, "units of the head's two hidden layers");
  options.add("dino.bottleneck_dim", bottleneck_dim, "dimensions of the normalised bottleneck");
  options.add("dino.use_bn", use_bn, "batch norm on the head's hidden layers");
  options.add_check([this] { validate(); });
}

void DinoHeadConfig::validate() const {
  SPC_USAGE_CHECK(out_dim >= 2 && hidden_dim >= 1 && bottleneck_dim >= 1,
                  "dino.out_dim must be >= 2, dino.hidden_dim and dino.bottleneck_dim >= 1");
}

DinoHead::DinoHead(const DinoHeadConfig& config, int64_t embedding_dim, uint64_t seed,
                   const at::TensorOptions& options) {
  const TensorBuilder root(table_, seed, options);
  const std::vector<int64_t> sizes{embedding_dim, config.hidden_dim, config.hidden_dim,
                                   config.bottleneck_dim};
  for (size_t layer = 0; layer + 1 < sizes.size(); ++layer) {
    mlp_.emplace_back(root.sub("mlp").sub(layer), sizes[layer], sizes[layer + 1], normal(0.02),
                      constant(0));
    if (config.use_bn && layer < 2) bn_.emplace_back(root.sub("bn").sub(layer), sizes[layer + 1]);
  }
  last_ = root.sub("last").parameter("weight", {config.out_dim, config.bottleneck_dim},
                                     fan_in_uniform(config.bottleneck_dim));
}

at::Tensor DinoHead::forward(const at::Tensor& embedding_BE, const ForwardMode& mode) const {
  at::Tensor x = embedding_BE;
  for (size_t layer = 0; layer < mlp_.size(); ++layer) {
    x = mlp_[layer](x);
    if (layer + 1 == mlp_.size()) break;
    if (!bn_.empty()) x = bn_[layer](x, mode);
    x = at::gelu(x);
  }
  const at::ScalarType wide = last_.scalar_type();
  const at::Tensor prototypes =
      mode.fused && last_.is_cpu() ? fused_unit_rows(last_) : unit_rows(last_);
  return at::linear(unit_rows(x.to(wide)), prototypes).to(wide);
}

}  // namespace spc
