// Utterances packed into one map, for tests.
#pragma once

#include <ATen/ATen.h>

#include <limits>
#include <vector>

#include "model/packed_frames.h"
#include "unit/model/formula.h"

namespace spc {

struct PackedBatch {
  PackedFrames frames;
  at::Tensor feats_TF;
  std::vector<at::Tensor> utts;  // [1, T, F] each
};

/// @param spare  frames behind the last utterance, a multiple of 8
/// @param gap  what lies between utterances
inline PackedBatch packed_batch(const std::vector<int64_t>& lengths, int64_t bins,
                                int64_t spare = 0,
                                double gap = std::numeric_limits<double>::quiet_NaN()) {
  int64_t total = spare;
  for (const int64_t length : lengths) total += PackedFrames::room_for(length);
  PackedBatch batch{PackedFrames(lengths, total), at::full({total, bins}, gap, at::kDouble), {}};
  const at::Tensor content = formula_input({total, bins});
  batch.utts.reserve(lengths.size());
  for (size_t i = 0; i < lengths.size(); ++i) {
    const int64_t begin = batch.frames.begin(i);
    batch.feats_TF.narrow(0, begin, lengths[i]).copy_(content.narrow(0, begin, lengths[i]));
    batch.utts.push_back(content.narrow(0, begin, lengths[i]).unsqueeze(0));
  }
  return batch;
}

}  // namespace spc
