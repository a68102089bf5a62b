// What autograd functions of this room share.
#pragma once

#include <ATen/core/Tensor.h>
#include <ATen/core/ivalue.h>

#include <cstdint>

#include "dist/communicator.h"

namespace spc {

/// A node can only keep values, so a communicator travels as an integer.
inline int64_t to_value(Communicator* comm) {
  return reinterpret_cast<int64_t>(comm);
}
inline Communicator* to_communicator(const c10::IValue& value) {
  return reinterpret_cast<Communicator*>(value.toInt());  // NOLINT(performance-no-int-to-ptr)
}

/// In the type of the parameter whose gradient it is.
inline at::Tensor like(const at::Tensor& gradient, const at::Tensor& parameter) {
  return gradient.to(parameter.scalar_type());
}

}  // namespace spc
