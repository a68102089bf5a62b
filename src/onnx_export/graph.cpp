#include "onnx_export/graph.h"

#include <bit>

namespace spc {
namespace {

static_assert(std::endian::native == std::endian::little, "raw_data is little-endian");

void describe(onnx::ValueInfoProto& value, const std::string& name,
              const std::vector<Graph::Size>& shape) {
  value.set_name(name);
  onnx::TypeProto::Tensor& type = *value.mutable_type()->mutable_tensor_type();
  type.set_elem_type(onnx::TensorProto::FLOAT);
  for (const Graph::Size& size : shape) {
    onnx::TensorShapeProto::Dimension& dim = *type.mutable_shape()->add_dim();
    if (const auto* fixed = std::get_if<int64_t>(&size)) {
      dim.set_dim_value(*fixed);
    } else {
      dim.set_dim_param(std::get<std::string>(size));
    }
  }
}

void describe(onnx::AttributeProto& proto, const Graph::Attribute& attribute) {
  proto.set_name(attribute.name);
  if (const auto* integer = std::get_if<int64_t>(&attribute.value)) {
    proto.set_type(onnx::AttributeProto::INT);
    proto.set_i(*integer);
  } else if (const auto* real = std::get_if<float>(&attribute.value)) {
    proto.set_type(onnx::AttributeProto::FLOAT);
    proto.set_f(*real);
  } else {
    proto.set_type(onnx::AttributeProto::INTS);
    for (const int64_t value : std::get<std::vector<int64_t>>(attribute.value))
      proto.add_ints(value);
  }
}

}  // namespace

void Graph::input(const std::string& name, const std::vector<Size>& shape) {
  describe(*graph_.add_input(), name, shape);
}

void Graph::output(const std::string& name, const std::vector<Size>& shape) {
  describe(*graph_.add_output(), name, shape);
}

void Graph::add_constant(const std::string& name, const std::vector<int64_t>& shape, int type,
                         const void* bytes, size_t size) {
  onnx::TensorProto& tensor = *graph_.add_initializer();
  tensor.set_name(name);
  tensor.set_data_type(type);
  for (const int64_t each : shape) tensor.add_dims(each);
  tensor.set_raw_data(bytes, size);
}

std::string Graph::constant(const std::string& name, const FloatTensor& tensor) {
  add_constant(name, tensor.shape, onnx::TensorProto::FLOAT, tensor.values.data(),
               tensor.values.size() * sizeof(float));
  return name;
}

std::string Graph::integers(const std::string& name, const std::vector<int64_t>& values) {
  add_constant(name, {static_cast<int64_t>(values.size())}, onnx::TensorProto::INT64, values.data(),
               values.size() * sizeof(int64_t));
  return name;
}

std::string Graph::integer(const std::string& name, int64_t value) {
  add_constant(name, {}, onnx::TensorProto::INT64, &value, sizeof value);
  return name;
}

std::string Graph::number(const std::string& name, float value) {
  add_constant(name, {}, onnx::TensorProto::FLOAT, &value, sizeof value);
  return name;
}

std::string Graph::node(const std::string& type, const std::string& name,
                        const std::vector<std::string>& inputs, const Attributes& attributes) {
  node(type, name, inputs, {name}, attributes);
  return name;
}

void Graph::node(const std::string& type, const std::string& name,
                 const std::vector<std::string>& inputs, const std::vector<std::string>& outputs,
                 const Attributes& attributes) {
  onnx::NodeProto& node = *graph_.add_node();
  node.set_op_type(type);
  node.set_name(name);
  for (const std::string& each : inputs) node.add_input(each);
  for (const std::string& each : outputs) node.add_output(each);
  for (const Attribute& each : attributes) describe(*node.add_attribute(), each);
}

}  // namespace spc
