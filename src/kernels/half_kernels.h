// Between float32 and IEEE 754 half precision, as stored in shards. For one thread; compiled for
// several processors as the map kernels are.
#pragma once

#include <cstdint>

namespace spc {

struct HalfKernels {
  /// Exact, subnormals included. @returns whether all are finite
  bool (*widen)(const uint16_t* halves, int64_t count, float* floats);
  /// Rounds to nearest, ties to even; too large becomes infinity, NaN stays NaN. @returns whether
  /// all halves are finite
  bool (*narrow)(const float* floats, int64_t count, uint16_t* halves);
};

const HalfKernels& half_kernels();

}  // namespace spc
