// The self-calibration of a block over channels-last maps: the average of X1, the gate, and their
// gradients. No autograd here.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <vector>

#include "model/channels_last.h"

namespace spc {

/// How a map lies to the smaller one of r x r averages. The smaller one has ceil(bins / r) x
/// ceil(frames / r) pixels; "nearest" up-sampling maps bin f to floor(f * ceil(bins / r) / bins),
/// which is not always f / r.
class Windows {
 public:
  Windows(const at::Tensor& map, int64_t r);
  [[nodiscard]] int64_t r() const { return r_; }
  [[nodiscard]] int64_t small_bins() const { return small_bins_; }
  [[nodiscard]] int64_t small_frames() const { return small_frames_; }
  /// Tables for maps on the CPU; kernels of a GPU compute what they need.
  /// Bins of the map that up-sampling takes from each small bin: [first_bin()[i], first_bin()[i +
  /// 1])
  [[nodiscard]] const std::vector<int32_t>& first_bin() const { return first_bin_; }
  /// The small frame of each frame, in up-sampling and in averaging.
  [[nodiscard]] const std::vector<int32_t>& nearest_frame() const { return nearest_frame_; }
  [[nodiscard]] const std::vector<int32_t>& window_frame() const { return window_frame_; }

 private:
  int64_t r_;
  int64_t small_bins_;
  int64_t small_frames_;
  std::vector<int32_t> first_bin_;
  std::vector<int32_t> nearest_frame_;
  std::vector<int32_t> window_frame_;
};

/// Which of `small` places in a row "nearest" up-sampling takes for each of `large`. By LibTorch's
/// own rounding, which decides where a boundary is near: it computes in the map's type, if that is
/// not narrow.
std::vector<int32_t> nearest(int64_t small, int64_t large, at::ScalarType type);

/// Averages of the windows, the last ones of fewer pixels. @returns a map
at::Tensor map_average(const at::Tensor& x1, const Windows& windows);

/// dx = base + a + b + the gradient of map_average(), each pixel's share of its window's.
/// @param base  [B, C, F, T], where its first channels are those of dx; may be some channels of a
/// map   @param a, b, small  maps like dx, or undefined   @param dx  written to; may be a or b
void map_merge(const at::Tensor& base, const at::Tensor& a, const at::Tensor& b,
               const at::Tensor& small, const Windows& windows, const at::Tensor& dx);

/// What the gate takes: z = norm3(c3) * sigmoid(x1 + up(norm2(c2))).
struct GateInputs {
  at::Tensor x1;  // undefined: not inside the sigmoid
  at::Tensor c3;
  ChannelNorm norm3;
  at::Tensor c2;  // small
  ChannelNorm norm2;
};

at::Tensor map_gate(const GateInputs& inputs, const Windows& windows);

struct GateGradients {
  at::Tensor of_norm3;  // of norm3(c3); in the place of dz
  at::Tensor of_x1;     // undefined if x1 is
  at::Tensor of_norm2;  // of norm2(c2), small
  at::Tensor sums3_2C;  // as map_backward_sums() of of_norm3 and c3
};

/// @param dz  overwritten
GateGradients map_gate_backward(const at::Tensor& dz, const GateInputs& inputs,
                                const Windows& windows);

}  // namespace spc
