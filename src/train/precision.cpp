#include "train/precision.h"

#include <ATen/ATen.h>
#include <ATen/autocast_mode.h>

#include "base/error.h"
#include "dist/device.h"

namespace spc {
Precision parse_precision(const std::string& name) {
  if (name == "fp32") return Precision::kFp32;
  if (name == "bf16") return Precision::kBf16;
  SPC_USAGE_CHECK(name == "fp64", "precision ", name, ", must be fp32, bf16 or fp64");
  return Precision::kFp64;
}

Precision resolve_precision(const std::string& name, c10::Device device, Communicator& comm) {
  if (name != "auto") return parse_precision(name);
  at::Tensor has = at::full({1}, has_bf16(device) ? 1 : 0, at::kLong);
  comm.all_reduce_now(has, ReduceOp::kMin, "choice of precision");
  return has.item<int64_t>() != 0 ? Precision::kBf16 : Precision::kFp32;
}

std::string to_text(Precision precision) {
  switch (precision) {
    case Precision::kBf16:
      return "bf16";
    case Precision::kFp64:
      return "fp64";
    case Precision::kFp32:
      break;
  }
  return "fp32";
}

at::ScalarType storage_type(Precision precision) {
  return precision == Precision::kFp64 ? at::kDouble : at::kFloat;
}

AutocastScope::AutocastScope(Precision precision, c10::Device device)
    : active_(precision == Precision::kBf16), device_(device.type()) {
  if (!active_) return;
  at::autocast::set_autocast_enabled(device_, true);
  at::autocast::set_autocast_dtype(device_, at::kBFloat16);
  at::autocast::increment_nesting();
}

AutocastScope::~AutocastScope() {
  if (!active_) return;
  if (at::autocast::decrement_nesting() == 0) {
    at::autocast::clear_cache();
    at::autocast::set_autocast_enabled(device_, false);
  }
}

}  // namespace spc
