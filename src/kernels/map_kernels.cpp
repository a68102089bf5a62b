#include "kernels/map_kernels.h"

#include <algorithm>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/map_kernels.cpp"
#include <hwy/foreach_target.h>  // includes this file once for each processor
#include <hwy/highway.h>

#include "kernels/gate-inl.h"
#include "kernels/norm-inl.h"

HWY_BEFORE_NAMESPACE();
namespace spc {
namespace HWY_NAMESPACE {

template <class T>
const MapKernels<T>* table() {
  static constexpr MapKernels<T> kTable{.sums = sums<T>,
                                        .apply = apply<T>,
                                        .apply_wide = apply_wide<T>,
                                        .backward_sums = backward_sums<T>,
                                        .backward_apply = backward_apply<T>,
                                        .gate = gate<T>,
                                        .gate_backward = gate_backward<T>,
                                        .pool_average = pool_average<T>,
                                        .pool_max = pool_max<T>,
                                        .share = share<T>,
                                        .merge = merge<T>,
                                        .copy = copy<T>,
                                        .narrow = narrow<T>};
  return &kTable;
}
const MapKernels<Bf16>* table_bf16() {
  return table<Bf16>();
}
const MapKernels<float>* table_float() {
  return table<float>();
}
const MapKernels<double>* table_double() {
  return table<double>();
}

}  // namespace HWY_NAMESPACE
}  // namespace spc
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace spc {

HWY_EXPORT(table_bf16);
HWY_EXPORT(table_float);
HWY_EXPORT(table_double);

template <>
const MapKernels<Bf16>& map_kernels<Bf16>() {
  return *HWY_DYNAMIC_DISPATCH(table_bf16)();
}
template <>
const MapKernels<float>& map_kernels<float>() {
  return *HWY_DYNAMIC_DISPATCH(table_float)();
}
template <>
const MapKernels<double>& map_kernels<double>() {
  return *HWY_DYNAMIC_DISPATCH(table_double)();
}

}  // namespace spc
#endif
