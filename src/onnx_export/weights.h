// The weights of one network of a checkpoint, by the names of their parameters.
#pragma once

#include <string>
#include <vector>

#include "onnx_export/float_tensor.h"
#include "store/tensor_file.h"

namespace spc {

class Weights {
 public:
  /// @param network  "teacher" or "student"   @throws Error  the checkpoint has no backbone of it
  Weights(const TensorFile& checkpoint, const std::string& network);

  /// @param name  "stages.0.1.k2.conv.weight"
  /// @throws Error  the tensor is missing, has another shape, a wrong checksum or a value that is
  /// not finite: names tensor and file
  [[nodiscard]] FloatTensor get(const std::string& name, const std::vector<int64_t>& shape) const;

 private:
  const TensorFile& checkpoint_;
  std::string prefix_;
};

}  // namespace spc
