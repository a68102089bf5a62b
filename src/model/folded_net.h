// SpcNet for evaluation on a CPU: batch norms folded into the convolutions beside them, utterances
// of any lengths packed into one map. Prepared once, then the same for every batch.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <vector>

#include "model/folded_block.h"
#include "model/spcnet.h"

namespace spc {

class FoldedNet {
 public:
  /// A copy: what happens to `network` afterwards changes nothing here.
  /// @param network  float32 or float64 on the CPU
  explicit FoldedNet(const SpcNet& network);

  /// What SpcNet::forward gives for each utterance alone, by running statistics.
  /// @param feats_TF  log-mel features of all utterances as `frames` has them, mean-subtracted over
  /// time; what lies between them is not read   @returns [utterances, E], the type of the network
  /// @throws Error  another number of bins or frames
  [[nodiscard]] at::Tensor forward(const at::Tensor& feats_TF, const PackedFrames& frames) const;

 private:
  [[nodiscard]] at::Tensor pool_over_time(const at::Tensor& map, const PackedFrames& frames) const;

  int64_t num_mel_bins_;
  int64_t reduction_;
  struct Stage {
    FoldedConv first;  // the stem, or what halves the map
    std::vector<FoldedBlock> blocks;
  };
  std::vector<Stage> stages_;
  struct Linear {
    at::Tensor weight;
    at::Tensor bias;
  };
  std::vector<Linear> attention_;  // none with plain statistics
  Linear fc_;
};

}  // namespace spc
