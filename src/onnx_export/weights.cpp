#include "onnx_export/weights.h"

#include <algorithm>
#include <cmath>

#include "base/error.h"

namespace spc {
namespace {

std::string shape_text(const std::vector<int64_t>& shape) {
  std::string text;
  for (const int64_t size : shape) text += (text.empty() ? "" : ", ") + std::to_string(size);
  return "[" + text + "]";
}

}  // namespace

Weights::Weights(const TensorFile& checkpoint, const std::string& network)
    : checkpoint_(checkpoint), prefix_(network + "/backbone/") {
  const auto first = checkpoint.tensors().lower_bound(prefix_);
  SPC_CHECK(first != checkpoint.tensors().end() && first->first.starts_with(prefix_),
            checkpoint.path().string(), " has no ", network, "; give the other --role");
}

FloatTensor Weights::get(const std::string& name, const std::vector<int64_t>& shape) const {
  std::string path = prefix_ + name;
  std::replace(path.begin(), path.end(), '.', '/');
  const std::string file = checkpoint_.path().string();
  const auto found = checkpoint_.tensors().find(path);
  SPC_CHECK(found != checkpoint_.tensors().end(), file, " has no tensor ", path,
            ": it belongs to another configuration, or is damaged; take an earlier checkpoint");
  SPC_CHECK(found->second.shape == shape, file, ": ", path, " has shape ",
            shape_text(found->second.shape), ", its configuration needs ", shape_text(shape),
            "; take an earlier checkpoint");
  SPC_CHECK(found->second.dtype != DType::kInt64, file, ": ", path, " is not of real numbers");
  size_t count = 1;
  for (const int64_t size : shape) count *= static_cast<size_t>(size);
  FloatTensor tensor{shape, std::vector<float>(count)};
  if (found->second.dtype == DType::kFloat32) {
    checkpoint_.read(path, tensor.values.data());
  } else {
    std::vector<double> values(count);
    checkpoint_.read(path, values.data());
    std::transform(values.begin(), values.end(), tensor.values.begin(),
                   [](double value) { return static_cast<float>(value); });
  }
  SPC_CHECK(std::all_of(tensor.values.begin(), tensor.values.end(),
                        [](float value) { return std::isfinite(value); }),
            file, ": ", path, " holds a value that is not finite; take an earlier checkpoint");
  return tensor;
}

}  // namespace spc
