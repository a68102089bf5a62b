#include "model/gpu_passes.h"

#include <ATen/ATen.h>
#include <c10/core/DeviceGuard.h>

#include <limits>

#include "dist/gpu_backend.h"
#include "model/map_access.h"

namespace spc {
namespace {

// Of pixels a thread has so many: fewer, and its numbers of a channel weigh beside them; more, and
// float32 sums lose digits.
constexpr int64_t kLeastPixels = 8;
constexpr int64_t kMostPixels = 512;
constexpr int64_t kMostWindows = 64;

int64_t pixel_count(const at::Tensor& map) {
  return map.size(0) * map.size(2) * map.size(3);
}

int64_t channel_count(const MapParts& parts) {
  int64_t channels = 0;
  for (const at::Tensor& part : parts) channels += part.size(1);
  return channels;
}

Grid grid_of_pixels(const MapParts& x) {
  return grid_of(channel_count(x), pixel_count(x[0]), kLeastPixels, kMostPixels);
}

GpuWindows windows_of(const at::Tensor& map, const Windows& windows) {
  const auto narrowed = [](int64_t size) { return static_cast<int32_t>(size); };
  const GpuWindows of{narrowed(map.size(0)), narrowed(windows.r()),
                      NearestAxis(narrowed(windows.small_bins()), narrowed(map.size(2))),
                      NearestAxis(narrowed(windows.small_frames()), narrowed(map.size(3)))};
  SPC_ASSERT(pixel_count(map) <= std::numeric_limits<int32_t>::max(), "a map of 2^31 pixels");
  return of;
}

Grid grid_of_windows(const at::Tensor& map, const GpuWindows& windows) {
  return grid_of(map.size(1), windows.count(), 1, kMostWindows);
}

// On the device "meta" there is nothing to point at.
double* pointer(const at::Tensor& doubles) {
  return doubles.is_meta() ? nullptr : doubles.data_ptr<double>();
}

// Numbers of channels where the kernels read them.
at::Tensor in_double(const at::Tensor& values_C) {
  return values_C.to(at::kDouble).contiguous();
}

struct NumbersOfNorm {
  explicit NumbersOfNorm(const ChannelNorm& norm)
      : mean(in_double(norm.mean)), scale(in_double(norm.scale)), bias(in_double(norm.bias)) {}
  [[nodiscard]] Affine<double> pointers() const {
    return {pointer(mean), pointer(scale), pointer(bias)};
  }
  at::Tensor mean;
  at::Tensor scale;
  at::Tensor bias;
};

at::Tensor empty_sums(const at::Tensor& map, Grid grid) {
  return at::empty({grid.rows, 2, grid.channels}, map.options().dtype(at::kDouble));
}

}  // namespace

template <class T, class Work>
void GpuPasses::run(typename GpuKernels<T>::template Launch<Work> GpuKernels<T>::*kernel,
                    const Work& work, Grid grid) const {
  if (target_.device.is_meta() || grid.rows == 0) return;
  const c10::DeviceGuard guard(target_.device);
  (std::get<const GpuKernels<T>*>(target_.kernels)->*kernel)(work, grid, target_.stream);
}

template <class T>
T* GpuPasses::data(const at::Tensor& map) const {
  if (!map.defined() || map.is_meta()) return nullptr;
  SPC_ASSERT(map.device() == target_.device && map.is_contiguous(at::MemoryFormat::ChannelsLast),
             "a map's channels must be last, on ", target_.device);
  return static_cast<T*>(map.data_ptr());
}

template <class T>
Slab<T> GpuPasses::slab(const at::Tensor& map) const {
  SPC_ASSERT(map.device() == target_.device && is_slab(map), "a map's channels must be last, on ",
             target_.device);
  return {map.is_meta() ? nullptr : static_cast<T*>(map.data_ptr()), map.size(1),
          pixel_distance(map)};
}

// A part that is not there is as wide as that of `like`.
template <class T>
SlabList<T> GpuPasses::slabs(const MapParts& parts, const MapParts& like) const {
  SPC_ASSERT(parts.size() <= kMaxParts, "parts of a map");
  SlabList<T> list;
  for (size_t i = 0; i < parts.size(); ++i)
    list.slabs[i] = parts[i].defined() ? slab<T>(parts[i]) : Slab<T>{nullptr, like[i].size(1), 0};
  return list;
}

template <class T>
at::Tensor GpuPasses::added_up(at::Tensor sums_R2C) const {
  const int64_t columns = 2 * sums_R2C.size(2);
  if (sums_R2C.size(0) == 0) return at::zeros({2, sums_R2C.size(2)}, sums_R2C.options());
  while (sums_R2C.size(0) > 1) {
    const int64_t rows = sums_R2C.size(0);
    const Grid grid{columns, (rows + AddSums::kSumsAtOnce - 1) / AddSums::kSumsAtOnce};
    at::Tensor groups = at::empty({grid.rows, 2, columns / 2}, sums_R2C.options());
    run<T>(&GpuKernels<T>::add_sums, AddSums{pointer(sums_R2C), rows, pointer(groups)}, grid);
    sums_R2C = groups;
  }
  return sums_R2C.view({2, columns / 2});
}

ChannelSums GpuPasses::sums(const MapParts& x) const {
  const Grid grid = grid_of_pixels(x);
  const at::Tensor sums = empty_sums(x[0], grid);
  at::Tensor all;
  with_stored_type(x[0], [&](auto tag) {
    using T = decltype(tag);
    run<T>(&GpuKernels<T>::sum, SumMap<T>{slabs<const T>(x, x), pixel_count(x[0]), {pointer(sums)}},
           grid);
    all = added_up<T>(sums);
  });
  return {all, static_cast<double>(pixel_count(x[0]))};
}

void GpuPasses::apply(const MapParts& x, const ChannelNorm& norm, const MapParts& add,
                      const MapParts& y) const {
  const NumbersOfNorm numbers(norm);
  with_stored_type(x[0], [&](auto tag) {
    using T = decltype(tag);
    run<T>(&GpuKernels<T>::apply,
           ApplyNorm<T>{slabs<const T>(x, x), numbers.pointers(), norm.relu, slabs<const T>(add, y),
                        slabs<T>(y, y), pixel_count(x[0])},
           grid_of_pixels(x));
  });
}

at::Tensor GpuPasses::backward_sums(const MapParts& dy, const MapParts& x,
                                    const ChannelNorm& norm) const {
  const NumbersOfNorm numbers(norm);
  const Grid grid = grid_of_pixels(x);
  const at::Tensor sums = empty_sums(x[0], grid);
  at::Tensor all;
  with_stored_type(x[0], [&](auto tag) {
    using T = decltype(tag);
    run<T>(&GpuKernels<T>::sum_gradient,
           SumGradient<T>{slabs<const T>(dy, dy),
                          slabs<const T>(x, x),
                          numbers.pointers(),
                          norm.relu,
                          pixel_count(x[0]),
                          {pointer(sums)}},
           grid);
    all = added_up<T>(sums);
  });
  return all;
}

void GpuPasses::backward_apply(const MapParts& dy, const MapParts& x, const ChannelNorm& norm,
                               const ChannelBackward& back, const MapParts& add,
                               const MapParts& dx) const {
  const NumbersOfNorm numbers(norm);
  const at::Tensor of_gradient = in_double(back.of_gradient);
  const at::Tensor of_deviation = in_double(back.of_deviation);
  const at::Tensor constant = in_double(back.constant);
  with_stored_type(x[0], [&](auto tag) {
    using T = decltype(tag);
    run<T>(&GpuKernels<T>::apply_gradient,
           ApplyGradient<T>{slabs<const T>(dy, dy),
                            slabs<const T>(x, x),
                            numbers.pointers(),
                            norm.relu,
                            {pointer(of_gradient), pointer(of_deviation), pointer(constant)},
                            slabs<const T>(add, dx),
                            slabs<T>(dx, dx),
                            pixel_count(x[0])},
           grid_of_pixels(x));
  });
}

at::Tensor GpuPasses::average(const at::Tensor& x1, const Windows& windows) const {
  at::Tensor small =
      at::empty({x1.size(0), x1.size(1), windows.small_bins(), windows.small_frames()},
                x1.options(), at::MemoryFormat::ChannelsLast);
  with_stored_type(x1, [&](auto tag) {
    using T = decltype(tag);
    const auto on_gpu = windows_of(x1, windows);
    run<T>(&GpuKernels<T>::average, AverageWindows<T>{data<T>(x1), on_gpu, data<T>(small)},
           grid_of_windows(x1, on_gpu));
  });
  return small;
}

void GpuPasses::merge(const at::Tensor& base, const at::Tensor& a, const at::Tensor& b,
                      const at::Tensor& small, const Windows& windows, const at::Tensor& dx) const {
  with_stored_type(dx, [&](auto tag) {
    using T = decltype(tag);
    const auto on_gpu = windows_of(dx, windows);
    run<T>(&GpuKernels<T>::merge,
           MergeGradients<T>{slab<const T>(base), data<T>(a), data<T>(b), data<T>(small), on_gpu,
                             data<T>(dx)},
           grid_of_windows(dx, on_gpu));
  });
}

at::Tensor GpuPasses::gate(const GateInputs& inputs, const Windows& windows) const {
  at::Tensor z = empty_map(inputs.c3, inputs.c3.size(1));
  const NumbersOfNorm norm3(inputs.norm3);
  const NumbersOfNorm norm2(inputs.norm2);
  with_stored_type(z, [&](auto tag) {
    using T = decltype(tag);
    const auto on_gpu = windows_of(z, windows);
    run<T>(&GpuKernels<T>::gate,
           OpenGate<T>{{data<T>(inputs.x1), data<T>(inputs.c3), norm3.pointers(),
                        data<T>(inputs.c2), norm2.pointers()},
                       on_gpu,
                       data<T>(z)},
           grid_of_windows(z, on_gpu));
  });
  return z;
}

GateGradients GpuPasses::gate_backward(const at::Tensor& dz, const GateInputs& inputs,
                                       const Windows& windows) const {
  GateGradients gradients{dz, {}, at::empty_like(inputs.c2), {}};
  if (inputs.x1.defined()) gradients.of_x1 = empty_map(dz, dz.size(1));
  const NumbersOfNorm norm3(inputs.norm3);
  const NumbersOfNorm norm2(inputs.norm2);
  with_stored_type(dz, [&](auto tag) {
    using T = decltype(tag);
    const auto on_gpu = windows_of(dz, windows);
    const Grid grid = grid_of_windows(dz, on_gpu);
    const at::Tensor sums = empty_sums(dz, grid);
    run<T>(&GpuKernels<T>::gate_gradient,
           GateGradient<T>{{data<T>(inputs.x1), data<T>(inputs.c3), norm3.pointers(),
                            data<T>(inputs.c2), norm2.pointers()},
                           on_gpu,
                           data<T>(dz),
                           data<T>(dz),
                           data<T>(gradients.of_x1),
                           data<T>(gradients.of_norm2),
                           {pointer(sums)}},
           grid);
    gradients.sums3_2C = added_up<T>(sums);
  });
  return gradients;
}

GpuPasses gpu_passes(const at::Tensor& map) {
  const GpuTarget target{map.device(),
                         {gpu_kernels<Bf16>(), gpu_kernels<float>(), gpu_kernels<double>()},
                         map.is_cuda() ? current_gpu_stream(map.device()) : nullptr};
  SPC_CHECK(map.is_meta() || std::get<0>(target.kernels) != nullptr,
            "this build has no kernels for maps on ", map.device(), "; set train.kernels plain");
  return GpuPasses(target);
}

}  // namespace spc
