// An ONNX graph, built node by node. A value is known by its name, which is that of the node that
// makes it, or of the constant.
#pragma once

#include <onnx/onnx_pb.h>

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "onnx_export/float_tensor.h"

namespace spc {

class Graph {
 public:
  /// A size, or the name of one that may vary.
  using Size = std::variant<int64_t, std::string>;
  struct Attribute {
    std::string name;
    std::variant<int64_t, float, std::vector<int64_t>> value;
  };
  using Attributes = std::vector<Attribute>;

  explicit Graph(const std::string& name) { graph_.set_name(name); }

  /// What goes in and what comes out, float32.
  void input(const std::string& name, const std::vector<Size>& shape);
  void output(const std::string& name, const std::vector<Size>& shape);

  /// Constants, each of a name of its own: weights, integers of shape [n], one number of shape [].
  /// @returns `name`
  std::string constant(const std::string& name, const FloatTensor& tensor);
  std::string integers(const std::string& name, const std::vector<int64_t>& values);
  std::string integer(const std::string& name, int64_t value);
  std::string number(const std::string& name, float value);

  /// A node of one of the standard operators. @returns `name`, which is that of its value too
  std::string node(const std::string& type, const std::string& name,
                   const std::vector<std::string>& inputs, const Attributes& attributes = {});
  /// One whose values have names of their own.
  void node(const std::string& type, const std::string& name,
            const std::vector<std::string>& inputs, const std::vector<std::string>& outputs,
            const Attributes& attributes);

  [[nodiscard]] const onnx::GraphProto& proto() const { return graph_; }

 private:
  void add_constant(const std::string& name, const std::vector<int64_t>& shape, int type,
                    const void* bytes, size_t size);

  onnx::GraphProto graph_;
};

}  // namespace spc
