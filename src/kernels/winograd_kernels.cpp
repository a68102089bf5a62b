#include "kernels/winograd_kernels.h"

#include <tuple>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/winograd_kernels.cpp"
#include <hwy/foreach_target.h>  // includes this file once for each processor
#include <hwy/highway.h>

#include "kernels/winograd-inl.h"

HWY_BEFORE_NAMESPACE();
namespace spc {
namespace HWY_NAMESPACE {

template <class T>
constexpr WinogradKernels<T> kWinogradTable{.input = winograd_input<T>,
                                            .output = winograd_output<T>};

const auto* winograd_tables() {
  static constexpr std::tuple kTables{kWinogradTable<float>, kWinogradTable<double>};
  return &kTables;
}

}  // namespace HWY_NAMESPACE
}  // namespace spc
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace spc {

HWY_EXPORT(winograd_tables);

template <class T>
const WinogradKernels<T>& winograd_kernels() {
  return std::get<WinogradKernels<T>>(*HWY_DYNAMIC_DISPATCH(winograd_tables)());
}
template const WinogradKernels<float>& winograd_kernels();
template const WinogradKernels<double>& winograd_kernels();

}  // namespace spc
#endif
