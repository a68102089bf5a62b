// Named tensors of a network, and the builder with which its parts register them. The name is the
// module path: "stages.0.1.k2.conv.weight".
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <string>
#include <vector>

namespace spc {

struct NamedTensor {
  std::string name;
  at::Tensor tensor;
  bool trainable = true;  // false: a buffer (running statistics)
};
using TensorTable = std::vector<NamedTensor>;

/// How a parameter starts. All draws come from (seed, name), so the order of registration does not
/// matter.
struct Init {
  enum class Kind { kConstant, kUniform, kNormal } kind = Kind::kConstant;
  double value =
      0;  // the constant; the bound of the uniform draw; the standard deviation of the normal one
};
inline Init constant(double value) {
  return {Init::Kind::kConstant, value};
}
inline Init uniform(double bound) {
  return {Init::Kind::kUniform, bound};
}
inline Init normal(double std_dev) {
  return {Init::Kind::kNormal, std_dev};
}

/// Adds tensors to a table under a path. Copies share the table; sub("k2") is the same builder one
/// level deeper.
class TensorBuilder {
 public:
  /// @param options  type and device. The initial values are drawn on the CPU, so that they do not
  /// depend on it.
  TensorBuilder(TensorTable& table, uint64_t seed, const at::TensorOptions& options)
      : table_(&table), seed_(seed), options_(options) {}

  [[nodiscard]] TensorBuilder sub(const std::string& name) const;
  [[nodiscard]] TensorBuilder sub(size_t index) const { return sub(std::to_string(index)); }
  at::Tensor parameter(const std::string& name, at::IntArrayRef shape, const Init& init) const;
  at::Tensor buffer(const std::string& name, at::IntArrayRef shape, double value) const;

 private:
  TensorTable* table_;
  uint64_t seed_;
  at::TensorOptions options_;
  std::string path_;  // with its final dot
};

/// Copies every tensor of `from` into the one of the same name in `to`. @throws Error  names or
/// shapes differ
void copy_tensors(const TensorTable& from, const TensorTable& to);

/// The trainable tensors.
std::vector<NamedTensor> trainable(const TensorTable& table);

/// Their number of elements.
int64_t num_parameters(const TensorTable& table);

}  // namespace spc
