#include "kernels/winograd_kernels.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/winograd_kernels.cpp"
#include <hwy/foreach_target.h>  // includes this file once for each processor
#include <hwy/highway.h>

#include "kernels/winograd-inl.h"

HWY_BEFORE_NAMESPACE();
namespace spc {
namespace HWY_NAMESPACE {

template <class T>
const WinogradKernels<T>* winograd_table() {
  static constexpr WinogradKernels<T> kTable{.input = winograd_input<T>,
                                             .output = winograd_output<T>};
  return &kTable;
}
const WinogradKernels<float>* winograd_table_float() {
  return winograd_table<float>();
}
const WinogradKernels<double>* winograd_table_double() {
  return winograd_table<double>();
}

}  // namespace HWY_NAMESPACE
}  // namespace spc
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace spc {

HWY_EXPORT(winograd_table_float);
HWY_EXPORT(winograd_table_double);

template <>
const WinogradKernels<float>& winograd_kernels<float>() {
  return *HWY_DYNAMIC_DISPATCH(winograd_table_float)();
}
template <>
const WinogradKernels<double>& winograd_kernels<double>() {
  return *HWY_DYNAMIC_DISPATCH(winograd_table_double)();
}

}  // namespace spc
#endif
