#include "train/tensor_io.h"

#include <ATen/ATen.h>

#include "base/error.h"

namespace spc {
namespace {

DType dtype_of(const at::Tensor& tensor) {
  switch (tensor.scalar_type()) {
    case at::kFloat:
      return DType::kFloat32;
    case at::kDouble:
      return DType::kFloat64;
    case at::kLong:
      return DType::kInt64;
    default:
      throw Error(concat("a file of tensors holds float32, float64 and int64 only, not ",
                         tensor.scalar_type()));
  }
}

at::ScalarType type_of(DType dtype) {
  return dtype == DType::kFloat32 ? at::kFloat : dtype == DType::kFloat64 ? at::kDouble : at::kLong;
}

}  // namespace

TensorView view_of(const at::Tensor& tensor) {
  SPC_ASSERT(tensor.is_cpu() && tensor.is_contiguous(), "a file takes what lies in one piece");
  return {dtype_of(tensor), tensor.sizes().vec(), tensor.const_data_ptr()};
}

TensorView view_of(const std::vector<double>& values) {
  return {DType::kFloat64, {static_cast<int64_t>(values.size())}, values.data()};
}

at::Tensor read_tensor(const TensorFile& file, const std::string& name) {
  const TensorView& stored = file.tensors().at(name);
  at::Tensor tensor = at::empty(stored.shape, type_of(stored.dtype));
  file.read(name, tensor.mutable_data_ptr());
  return tensor;
}

}  // namespace spc
