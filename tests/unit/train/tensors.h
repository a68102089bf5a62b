// Comparing tables of tensors.
#pragma once

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <cmath>
#include <map>
#include <string>

#include "model/tensor_table.h"

namespace spc {

/// The largest absolute difference; infinite where the shapes differ or a value is not a number.
inline double worst_difference(const at::Tensor& a, const at::Tensor& b) {
  if (a.sizes() != b.sizes()) return INFINITY;
  if (a.numel() == 0) return 0;
  const double worst =
      (a.detach().to(at::kDouble) - b.detach().to(at::kDouble)).abs().max().item<double>();
  return std::isnan(worst) ? INFINITY : worst;
}

/// Copies of all tensors as they are now.
class Snapshot {
 public:
  explicit Snapshot(const TensorTable& table) {
    for (const NamedTensor& each : table) values_[each.name] = each.tensor.detach().clone();
  }
  const at::Tensor& operator[](const std::string& name) const { return values_.at(name); }

  /// The largest difference of a tensor in `table` from its value here; every name must be known.
  [[nodiscard]] double distance(const TensorTable& table) const {
    double worst = table.size() == values_.size() ? 0 : INFINITY;
    for (const NamedTensor& each : table)
      worst = std::max(worst, worst_difference(each.tensor, values_.at(each.name)));
    return worst;
  }

 private:
  std::map<std::string, at::Tensor> values_;
};

/// The name of a tensor with a value that is not finite, else an empty text.
inline std::string not_finite(const TensorTable& table) {
  for (const NamedTensor& each : table) {
    if (!std::isfinite(each.tensor.detach().to(at::kDouble).abs().sum().item<double>()))
      return each.name;
  }
  return "";
}

inline const at::Tensor& tensor_named(const TensorTable& table, const std::string& name) {
  for (const NamedTensor& each : table) {
    if (each.name == name) return each.tensor;
  }
  throw std::out_of_range("no tensor " + name);
}

}  // namespace spc
