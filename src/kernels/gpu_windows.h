// How a map lies to the smaller one of averages, for threads of a GPU, which take a pixel of the
// smaller one each: its window, for averaging, and the pixels that up-sampling gives it to.
#pragma once

#include <cstdint>

#include "kernels/gpu_grid.h"

namespace spc {

/// "Nearest" up-sampling along one axis in the arithmetic of LibTorch, whose rounding decides where
/// a boundary is near: place i takes floor(i * (small / large)), on a GPU in float32 whatever the
/// map's type is.
class NearestAxis {
 public:
  NearestAxis(int32_t small, int32_t large)
      : small_(small),
        large_(large),
        scale_(static_cast<float>(small) / static_cast<float>(large)),
        inverse_(static_cast<float>(large) / static_cast<float>(small)) {}
  [[nodiscard]] SPC_HOST_DEVICE int32_t small() const { return small_; }
  [[nodiscard]] SPC_HOST_DEVICE int32_t large() const { return large_; }
  [[nodiscard]] SPC_HOST_DEVICE int32_t source(int32_t i) const {
    return static_cast<int32_t>(std::floor(static_cast<float>(i) * scale_));
  }
  /// The first place whose source is `of` or behind it: [first(of), first(of + 1)) take `of`.
  [[nodiscard]] SPC_HOST_DEVICE int32_t first(int32_t of) const {
    // It may be short by the roundings, which are smaller than a place.
    auto i = static_cast<int32_t>(static_cast<float>(of) * inverse_);
    while (i < large_ && source(i) < of) ++i;
    return i;
  }

 private:
  int32_t small_;
  int32_t large_;
  float scale_;
  float inverse_;
};

/// Pixels [first_bin, end_bin) x [first_frame, end_frame) of an utterance.
struct Window {
  int32_t utt;
  int32_t first_bin;
  int32_t end_bin;
  int32_t first_frame;
  int32_t end_frame;
};

/// Of maps whose smaller ones have fewer than 2^31 pixels.
struct GpuWindows {
  int32_t utts;
  int32_t r;
  NearestAxis bins;
  NearestAxis frames;

  [[nodiscard]] SPC_HOST_DEVICE int64_t count() const {
    return int64_t{utts} * bins.small() * frames.small();
  }
  /// What up-sampling gives pixel `small` of the smaller map to.
  [[nodiscard]] SPC_HOST_DEVICE Window nearest(int64_t small) const {
    const Place at = place(small);
    return {at.utt, bins.first(at.bin), bins.first(at.bin + 1), frames.first(at.frame),
            frames.first(at.frame + 1)};
  }
  /// What pixel `small` of the smaller map is the average of: the last windows may be cut.
  [[nodiscard]] SPC_HOST_DEVICE Window averaged(int64_t small) const {
    const Place at = place(small);
    const int32_t bin = at.bin * r;
    const int32_t frame = at.frame * r;
    return {at.utt, bin, bin + r < bins.large() ? bin + r : bins.large(), frame,
            frame + r < frames.large() ? frame + r : frames.large()};
  }
  /// body(pixel of the map) for all of a window.
  template <class Body>
  SPC_HOST_DEVICE void for_pixels_of(const Window& window, Body body) const {
    for (int32_t bin = window.first_bin; bin < window.end_bin; ++bin) {
      const int64_t line = (int64_t{window.utt} * bins.large() + bin) * frames.large();
      for (int32_t frame = window.first_frame; frame < window.end_frame; ++frame)
        body(line + frame);
    }
  }

 private:
  struct Place {
    int32_t utt;
    int32_t bin;
    int32_t frame;
  };
  [[nodiscard]] SPC_HOST_DEVICE Place place(int64_t small) const {
    const auto of_all = static_cast<int32_t>(small);
    const int32_t line = of_all / frames.small();
    const int32_t utt = line / bins.small();
    return {utt, line - utt * bins.small(), of_all - line * frames.small()};
  }
};

}  // namespace spc
