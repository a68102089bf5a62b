#include "model/tensor_table.h"

#include <ATen/ATen.h>
#include <ATen/CPUGeneratorImpl.h>
#include <c10/core/GradMode.h>

#include "base/crc32c.h"
#include "base/error.h"
#include "base/random.h"

namespace spc {

TensorBuilder TensorBuilder::sub(const std::string& name) const {
  TensorBuilder deeper = *this;
  deeper.path_ += name + ".";
  return deeper;
}

at::Tensor TensorBuilder::parameter(const std::string& name, at::IntArrayRef shape,
                                    const Init& init) const {
  at::Tensor tensor = at::empty(shape, options_.device(at::kCPU));
  const std::string full = path_ + name;
  const uint64_t name_hash = mix64(crc32c(full.data(), full.size()));
  const at::Generator generator = at::detail::createCPUGenerator(mix64(seed_ ^ name_hash));
  switch (init.kind) {
    case Init::Kind::kConstant:
      tensor.fill_(init.value);
      break;
    case Init::Kind::kUniform:
      tensor.uniform_(-init.value, init.value, generator);
      break;
    case Init::Kind::kNormal:
      tensor.normal_(0, init.value, generator);
      break;
  }
  tensor = tensor.to(options_.device());
  tensor.set_requires_grad(true);
  table_->push_back({full, tensor, true});
  return tensor;
}

at::Tensor TensorBuilder::buffer(const std::string& name, at::IntArrayRef shape,
                                 double value) const {
  at::Tensor tensor = at::full(shape, value, options_);
  table_->push_back({path_ + name, tensor, false});
  return tensor;
}

void copy_tensors(const TensorTable& from, const TensorTable& to) {
  SPC_CHECK(from.size() == to.size(), "networks of different configuration: ", from.size(), " and ",
            to.size(), " tensors");
  const c10::NoGradGuard no_grad;
  for (size_t i = 0; i < from.size(); ++i) {
    SPC_CHECK(from[i].name == to[i].name && from[i].tensor.sizes() == to[i].tensor.sizes(),
              "networks of different configuration: ", from[i].name, " ", from[i].tensor.sizes(),
              " and ", to[i].name, " ", to[i].tensor.sizes());
    at::Tensor target = to[i].tensor;
    target.copy_(from[i].tensor);
  }
}

std::vector<NamedTensor> trainable(const TensorTable& table) {
  std::vector<NamedTensor> result;
  for (const NamedTensor& each : table) {
    if (each.trainable) result.push_back(each);
  }
  return result;
}

int64_t num_parameters(const TensorTable& table) {
  int64_t count = 0;
  for (const NamedTensor& each : trainable(table)) count += each.tensor.numel();
  return count;
}

}  // namespace spc
