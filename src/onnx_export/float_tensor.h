// A tensor in memory, as a checkpoint's weights become an ONNX file's.
#pragma once

#include <cstdint>
#include <vector>

namespace spc {

struct FloatTensor {
  std::vector<int64_t> shape;
  std::vector<float> values;  // row-major
};

}  // namespace spc
