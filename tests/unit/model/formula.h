// A small network, weights and inputs by formula, the same as in tests/reference/spcnet.py.
#pragma once

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>
#include <gtest/gtest.h>

#include <cmath>
#include <string>
#include <vector>

#include "model/layers.h"
#include "model/spcnet_config.h"
#include "unit/reference.h"

namespace spc {

inline constexpr ForwardMode kPlain{.training = true};
inline constexpr ForwardMode kFused{.training = true, .fused = true};

inline SpcNetConfig small_config(const std::string& blocks = "1,1,1,1") {
  SpcNetConfig config;
  config.channels = 8;
  config.blocks = blocks;
  config.pooling_hidden = 6;
  config.embedding_dim = 5;
  return config;
}

inline at::Tensor formula_value(const std::string& name, const at::Tensor& tensor) {
  int64_t letters = 0;
  for (const char c : name) letters += c;
  const at::Tensor wave =
      at::sin(0.7 * at::arange(tensor.numel(), at::kDouble) + static_cast<double>(letters % 97))
          .view(tensor.sizes());
  const bool weight = name.ends_with("weight");
  if (name.ends_with("running_var")) return 1 + 0.3 * wave * wave;
  if (weight && tensor.dim() == 1) return 1 + 0.2 * wave;
  if (weight) return wave / std::sqrt(static_cast<double>(tensor.numel() / tensor.size(0)));
  return 0.1 * wave;
}

inline void fill_by_formula(const TensorTable& table) {
  const at::NoGradGuard no_grad;
  for (const NamedTensor& each : table) {
    at::Tensor tensor = each.tensor;
    tensor.copy_(formula_value(each.name, tensor));
  }
}

inline at::Tensor formula_input(at::IntArrayRef shape) {
  int64_t count = 1;
  for (const int64_t size : shape) count *= size;
  const at::Tensor i = at::arange(count, at::kDouble);
  return (at::sin(0.37 * i) + 0.5 * at::sin(0.0013 * i * i)).view(shape);
}

/// The network's outputs, gradients and running statistics against those of PyTorch, key by key,
/// both ways.
template <class Network>
void expect_reference(const Reference& reference, const std::string& key, const Network& network,
                      const at::Tensor& input, const ForwardMode& mode = kPlain) {
  size_t compared = 0;
  const auto expect = [&](const std::string& what, const at::Tensor& actual, double scale) {
    const auto found = reference.find(key + "/" + what);
    ASSERT_NE(found, reference.end()) << "the reference has no " << key << "/" << what;
    ASSERT_EQ(actual.numel(), static_cast<int64_t>(found->second.size())) << what;
    for (int64_t i = 0; i < actual.numel(); ++i) {
      const double expected = found->second[static_cast<size_t>(i)];
      EXPECT_NEAR(actual.view(-1)[i].template item<double>(), expected,
                  1e-9 * std::max(scale, std::abs(expected)) + 1e-12)
          << what;
    }
    ++compared;
  };
  // Sum and norm; what the sum cancels is compared at the norm's scale.
  const auto expect_moments = [&](const std::string& what, const at::Tensor& values) {
    const at::Tensor norm = values.norm();
    expect(what, at::stack({values.sum(), norm}), norm.item<double>());
  };
  {
    const at::NoGradGuard no_grad;
    expect("eval", network.forward(input, {}).reshape({-1}), 0.01);
  }
  const at::Tensor x = input.detach().clone().set_requires_grad(true);
  const at::Tensor y = network.forward(x, mode);
  expect("train", y.detach().reshape({-1}), 0.01);
  (y.reshape({-1}) * at::cos(0.3 * at::arange(y.numel(), at::kDouble))).sum().backward();
  expect_moments("grad/input", x.grad());
  for (const NamedTensor& each : network.tensors()) {
    if (each.trainable) {
      ASSERT_TRUE(each.tensor.grad().defined()) << each.name;
      expect_moments("grad/" + each.name, each.tensor.grad());
    } else {
      expect_moments("running/" + each.name, each.tensor);
    }
  }
  size_t wanted = 0;
  for (const auto& [name, values] : reference) wanted += name.starts_with(key + "/") ? 1 : 0;
  EXPECT_EQ(compared, wanted) << "the reference has tensors that this network lacks";
}

}  // namespace spc
