// The device "meta": tensors with shapes and without numbers. Whoever asks for a number there
// (which on a GPU would wait for it), copies one to the CPU, or computes with one that is there, is
// refused. Included by one file of a test program: it registers operators.
#pragma once

#include <ATen/ATen.h>
#include <gtest/gtest.h>
#include <torch/library.h>

#include <array>
#include <memory>
#include <optional>
#include <string>
#include <tuple>

#include "unit/forwarding_communicator.h"

namespace spc {

// What LibTorch's C++ lacks on the device "meta": convolutions, for which it asks a backend of
// which it knows nothing, and abs().
inline at::Tensor shape_of_convolution(const at::Tensor& x, const at::Tensor& weight,
                                       const std::optional<at::Tensor>& /*bias*/,
                                       at::IntArrayRef stride, at::IntArrayRef padding,
                                       at::IntArrayRef /*dilation*/, bool /*transposed*/,
                                       at::IntArrayRef /*output_padding*/, int64_t /*groups*/) {
  const auto size = [&](int64_t axis) {
    const auto i = static_cast<size_t>(axis);
    return (x.size(2 + axis) + 2 * padding[i] - weight.size(2 + axis)) / stride[i] + 1;
  };
  return at::empty({x.size(0), weight.size(0), size(0), size(1)}, x.options());
}

inline std::tuple<at::Tensor, at::Tensor, at::Tensor> shapes_of_convolution_backward(
    const at::Tensor& dy, const at::Tensor& x, const at::Tensor& weight, at::IntArrayRef /*stride*/,
    at::IntArrayRef /*padding*/, at::IntArrayRef /*dilation*/, bool /*transposed*/,
    at::IntArrayRef /*output_padding*/, int64_t /*groups*/, std::array<bool, 3> mask) {
  return {mask[0] ? at::empty_like(x) : at::Tensor(),
          mask[1] ? at::empty_like(weight) : at::Tensor(),
          mask[2] ? at::empty({dy.size(1)}, dy.options()) : at::Tensor()};
}

inline at::Tensor shape_of_one(const at::Tensor& x) {
  return at::empty_like(x);
}

inline at::Tensor shape_of_dot(const at::Tensor& x, const at::Tensor& /*y*/) {
  return at::empty({}, x.options());
}

inline at::Tensor& shape_of_abs(const at::Tensor& x, at::Tensor& out) {
  out.resize_(x.sizes());
  return out;
}

inline at::Tensor shape_of_where(const at::Tensor& /*condition*/, const at::Tensor& x,
                                 const at::Tensor& /*y*/) {
  return at::empty_like(x);
}

TORCH_LIBRARY_IMPL(aten, Meta, library) {
  library.impl("relu", &shape_of_one);
  library.impl("dot", &shape_of_dot);
  library.impl("abs.out", &shape_of_abs);
  library.impl("where.self", &shape_of_where);
  library.impl("convolution_overrideable", &shape_of_convolution);
  library.impl("convolution_backward_overrideable", &shapes_of_convolution_backward);
}

// One of two ranks, of which nothing is seen but what it sends.
class MuteCommunicator : public ForwardingCommunicator {
 public:
  explicit MuteCommunicator(Communicator& comm) : ForwardingCommunicator(comm), comm_(comm) {}
  [[nodiscard]] int world_size() const override { return 2; }
  [[nodiscard]] std::unique_ptr<Communicator> duplicate() override {
    return std::make_unique<MuteCommunicator>(comm_);
  }
  std::unique_ptr<Work> all_reduce(const at::Tensor& tensor, ReduceOp,
                                   const std::string& what) override {
    EXPECT_TRUE(tensor.is_meta()) << what;
    ++messages;
    struct Done : Work {
      void wait() override {}
    };
    return std::make_unique<Done>();
  }
  int messages = 0;

 private:
  Communicator& comm_;
};

}  // namespace spc
