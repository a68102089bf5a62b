// Tensors of LibTorch in files of tensors.
#pragma once

#include <ATen/core/Tensor.h>

#include <string>
#include <vector>

#include "store/tensor_file.h"

namespace spc {

/// What a file takes. @param tensor  on the CPU, contiguous; must outlive the view
/// @throws Error  of another type than float32, float64 and int64
TensorView view_of(const at::Tensor& tensor);
TensorView view_of(const std::vector<double>& values);

/// A tensor of a file that has it, in its type. @throws Error  as TensorFile::read
at::Tensor read_tensor(const TensorFile& file, const std::string& name);

}  // namespace spc
