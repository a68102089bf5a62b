#include "kernels/map_kernels.h"

#include <algorithm>
#include <tuple>

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
constexpr MapKernels<T> kMapTable{.sums = sums<T>,
                                  .apply = apply<T>,
                                  .apply_wide = apply_wide<T>,
                                  .backward_sums = backward_sums<T>,
                                  .backward_apply = backward_apply<T>,
                                  .gate = gate<T>,
                                  .gate_backward = gate_backward<T>,
                                  .pool_average = pool<Pooling::kAverage, T>,
                                  .pool_max = pool<Pooling::kMax, T>,
                                  .share = share<T>,
                                  .merge = merge<T>,
                                  .copy = copy<T>,
                                  .narrow = narrow<T>};

// In one, since what is exported cannot be a template.
const auto* map_tables() {
  static constexpr std::tuple kTables{kMapTable<Bf16>, kMapTable<float>, kMapTable<double>};
  return &kTables;
}

}  // namespace HWY_NAMESPACE
}  // namespace spc
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace spc {

HWY_EXPORT(map_tables);

template <class T>
const MapKernels<T>& map_kernels() {
  return std::get<MapKernels<T>>(*HWY_DYNAMIC_DISPATCH(map_tables)());
}
template const MapKernels<Bf16>& map_kernels();
template const MapKernels<float>& map_kernels();
template const MapKernels<double>& map_kernels();

}  // namespace spc
#endif
