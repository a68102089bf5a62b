// What lies between the convolutions over packed maps: [1, C, T, F] with channels last, so that a
// frame of all bins and channels is one piece of memory. For evaluation: no autograd.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <vector>

#include "model/channels_last.h"
#include "model/packed_frames.h"

namespace spc {

/// Zeroes the frames that belong to no utterance.
void clear_gaps(const MapParts& maps, const PackedFrames& frames);

/// How the utterances of a packed map lie to those of the smaller one of their r x r windows. An
/// utterance's last window is cut by its own end.
class PackedWindows {
 public:
  /// @param type  of the map
  PackedWindows(const PackedFrames& frames, int64_t bins, int64_t r, at::ScalarType type);

  [[nodiscard]] int64_t r() const { return r_; }
  [[nodiscard]] int64_t frames() const { return static_cast<int64_t>(nearest_frame_.size()); }
  [[nodiscard]] const PackedFrames& small() const { return small_; }
  [[nodiscard]] int64_t small_bins() const { return small_bins_; }
  /// Of each small frame the frames that it is made of; none in a gap.
  struct Window {
    int64_t begin = 0;
    int64_t frames = 0;
  };
  [[nodiscard]] const std::vector<Window>& windows() const { return windows_; }
  /// Of each frame the small one that up-sampling takes; -1 in a gap. Of each bin likewise.
  [[nodiscard]] const std::vector<int32_t>& nearest_frame() const { return nearest_frame_; }
  [[nodiscard]] const std::vector<int32_t>& nearest_bin() const { return nearest_bin_; }

 private:
  int64_t r_;
  PackedFrames small_;
  int64_t small_bins_;
  std::vector<Window> windows_;
  std::vector<int32_t> nearest_frame_;
  std::vector<int32_t> nearest_bin_;
};

enum class WindowPooling { kAverage, kMax };

/// @returns the small map, its gaps zero
at::Tensor packed_pool(const at::Tensor& x1, const PackedWindows& windows, WindowPooling pooling);

/// z = z * sigmoid(x1 + up(small)), in place, gaps zero. @param x1  undefined: not in the sigmoid
/// @param small  as packed_pool() lays it out
void packed_gate(const at::Tensor& x1, const at::Tensor& small, const PackedWindows& windows,
                 const at::Tensor& z);

}  // namespace spc
