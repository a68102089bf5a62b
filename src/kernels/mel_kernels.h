// Log mel energies of frames, one frame in each lane of a vector: every step of a frame is one loop
// without shuffles. For one thread; compiled for several processors as the map kernels are.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "kernels/real_fft.h"

namespace spc {

/// One triangle: weights of neighbouring lines of the power spectrum.
struct MelBin {
  size_t first_line = 0;
  std::vector<float> weights;
};

/// What all frames have in common.   Legend: L samples of a frame, N of its transform, F bins
struct MelTables {
  std::vector<float> window;  // [L], L <= N, N >= 4
  float preemphasis = 0;
  RealFft fft;
  std::vector<MelBin> bins;  // [F], of lines below N / 2
};

struct MelKernels {
  /// Of each frame: mean to zero, preemphasis (the sample before the first is the first), window,
  /// zeros up to N, power spectrum, bins, natural logarithm but not below log(FLT_EPSILON). NaN and
  /// infinity stay. What a frame gives does not depend on the frames beside it.
  /// @param frames    [count] places of L samples, which may overlap
  /// @param energies  [count, F]
  void (*log_mel)(const MelTables& tables, const float* const* frames, int64_t count,
                  float* energies);
};

const MelKernels& mel_kernels();

}  // namespace spc
