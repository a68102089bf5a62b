#include "store/tensor_diff.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>

#include "base/error.h"
#include "base/options.h"

namespace spc {
namespace {

std::string shape_text(const std::vector<int64_t>& shape) {
  std::string text = "[";
  for (size_t i = 0; i < shape.size(); ++i) text += concat(i == 0 ? "" : ", ", shape[i]);
  return text + "]";
}

const char* type_text(DType dtype) {
  switch (dtype) {
    case DType::kFloat32:
      return "float32";
    case DType::kFloat64:
      return "float64";
    case DType::kInt64:
      break;
  }
  return "int64";
}

std::string value_text(double value) {
  return to_text(value);
}
std::string value_text(int64_t value) {
  return std::to_string(value);
}

template <class T>
void compare(const std::vector<char>& a, const std::vector<char>& b, TensorDifference& difference) {
  for (size_t offset = 0; offset < a.size(); offset += sizeof(T)) {
    if (std::memcmp(&a[offset], &b[offset], sizeof(T)) == 0) continue;
    T x{};
    T y{};
    std::memcpy(&x, &a[offset], sizeof(T));
    std::memcpy(&y, &b[offset], sizeof(T));
    if (difference.elements++ == 0) {
      difference.first = static_cast<int64_t>(offset / sizeof(T));
      difference.ours = value_text(x);
      difference.theirs = value_text(y);
    }
    double distance = std::abs(static_cast<double>(x) - static_cast<double>(y));
    if (std::isnan(distance)) distance = std::numeric_limits<double>::infinity();
    difference.largest = std::max(difference.largest, distance);
  }
}

std::vector<char> bytes_of(const TensorFile& file, const std::string& name) {
  const TensorView& view = file.tensors().at(name);
  size_t size = size_of(view.dtype);
  for (const int64_t n : view.shape) size *= static_cast<size_t>(n);
  std::vector<char> bytes(size);
  file.read(name, bytes.data());
  return bytes;
}

TensorDifference diff_tensor(const TensorFile& a, const TensorFile& b, const std::string& name) {
  TensorDifference difference;
  difference.name = name;
  if (!a.contains(name) || !b.contains(name)) {
    difference.reason = concat("only in ", (a.contains(name) ? a : b).path().string());
    return difference;
  }
  const TensorView& ours = a.tensors().at(name);
  const TensorView& theirs = b.tensors().at(name);
  if (ours.dtype != theirs.dtype) {
    difference.reason = concat(type_text(ours.dtype), " against ", type_text(theirs.dtype));
  } else if (ours.shape != theirs.shape) {
    difference.reason =
        concat("shape ", shape_text(ours.shape), " against ", shape_text(theirs.shape));
  } else if (ours.dtype == DType::kFloat32) {
    compare<float>(bytes_of(a, name), bytes_of(b, name), difference);
  } else if (ours.dtype == DType::kFloat64) {
    compare<double>(bytes_of(a, name), bytes_of(b, name), difference);
  } else {
    compare<int64_t>(bytes_of(a, name), bytes_of(b, name), difference);
  }
  return difference;
}

}  // namespace

std::vector<TensorDifference> diff_tensor_files(const TensorFile& a, const TensorFile& b) {
  std::map<std::string, TensorView> names = a.tensors();
  names.insert(b.tensors().begin(), b.tensors().end());
  std::vector<TensorDifference> differences;
  for (const auto& [name, view] : names) {
    TensorDifference difference = diff_tensor(a, b, name);
    if (!difference.reason.empty() || difference.elements > 0)
      differences.push_back(std::move(difference));
  }
  return differences;
}

}  // namespace spc
