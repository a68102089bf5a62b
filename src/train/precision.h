// In which number format a run computes.
#pragma once

#include <ATen/core/Tensor.h>

#include <string>

#include "dist/communicator.h"

namespace spc {

enum class Precision { kFp32, kBf16, kFp64 };

/// "auto" becomes bf16 when the device of every rank has bf16 arithmetic, else fp32. Collective.
Precision resolve_precision(const std::string& name, c10::Device device, Communicator& comm);
Precision parse_precision(const std::string& name);
std::string to_text(Precision precision);
/// Of parameters and features.
at::ScalarType storage_type(Precision precision);

/// Autocast to bf16 while it lives, when the precision says so. Autocast keeps bf16 copies of
/// weights; at the end of the outermost scope they are dropped, else the next step would compute
/// with the weights from before its update.
class AutocastScope {
 public:
  AutocastScope(Precision precision, c10::Device device);
  ~AutocastScope();
  AutocastScope(const AutocastScope&) = delete;
  AutocastScope& operator=(const AutocastScope&) = delete;

 private:
  bool active_;
  c10::DeviceType device_;
};

}  // namespace spc
