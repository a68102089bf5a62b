#include "model/map_gate.h"

#include "base/integers.h"
#include "model/channel_numbers.h"
#include "model/gpu_passes.h"
#include "model/map_access.h"

namespace spc {
namespace {

// body(row of bins of the small map, sums) for every one of every utterance.
template <class Body>
void over_small_bins(const at::Tensor& map, const Windows& windows, int64_t width, double* sums,
                     Body body) {
  const int64_t rows = map.size(0) * windows.small_bins();
  in_shares(width, sums, [&](int64_t share, int64_t shares, double* own) {
    for (int64_t row = rows * share / shares; row < rows * (share + 1) / shares; ++row)
      body(row / windows.small_bins(), row % windows.small_bins(), own);
  });
}

}  // namespace

std::vector<int32_t> nearest(int64_t small, int64_t large, at::ScalarType type) {
  const at::ScalarType wide = type == at::kDouble ? at::kDouble : at::kFloat;
  const at::Tensor positions = at::arange(small, wide).view({1, 1, small});
  const at::Tensor taken = at::upsample_nearest1d(positions, {large}).to(at::kInt).contiguous();
  const auto* from = taken.const_data_ptr<int32_t>();
  return {from, from + large};
}

Windows::Windows(const at::Tensor& map, int64_t r)
    : r_(r),
      small_bins_(ceil_divided(map.size(2), r)),
      small_frames_(ceil_divided(map.size(3), r)) {
  if (!map.is_cpu()) return;
  nearest_frame_ = nearest(small_frames_, map.size(3), map.scalar_type());
  const std::vector<int32_t> nearest_bin = nearest(small_bins_, map.size(2), map.scalar_type());
  first_bin_.reserve(static_cast<size_t>(small_bins_ + 1));
  for (int64_t small = 0; small <= small_bins_; ++small) {
    const auto first =
        std::lower_bound(nearest_bin.begin(), nearest_bin.end(), static_cast<int32_t>(small));
    first_bin_.push_back(static_cast<int32_t>(first - nearest_bin.begin()));
  }
  window_frame_.reserve(static_cast<size_t>(map.size(3)));
  for (int64_t t = 0; t < map.size(3); ++t) window_frame_.push_back(static_cast<int32_t>(t / r));
}

at::Tensor map_average(const at::Tensor& x1, const Windows& windows) {
  if (windows.r() == 1) return x1;
  if (!x1.is_cpu()) return gpu_passes(x1).average(x1, windows);
  const int64_t channels = x1.size(1);
  const int64_t bins = x1.size(2);
  const int64_t frames = x1.size(3);
  at::Tensor small = at::empty({x1.size(0), channels, windows.small_bins(), windows.small_frames()},
                               x1.options(), at::MemoryFormat::ChannelsLast);
  with_stored_type(x1, [&](auto tag) {
    using T = decltype(tag);
    const T* from = map_data<T>(x1);
    T* to = map_data<T>(small);
    over_small_bins(x1, windows, 0, nullptr, [&](int64_t b, int64_t i, double*) {
      const int64_t first = i * windows.r();
      const Slab<const T> rows{from + (b * bins + first) * frames * channels, channels, channels};
      map_kernels<T>().pool_average(
          rows, std::min(windows.r(), bins - first), frames * channels, frames, windows.r(),
          to + (b * windows.small_bins() + i) * windows.small_frames() * channels);
    });
  });
  return small;
}

void map_merge(const at::Tensor& base, const at::Tensor& a, const at::Tensor& b,
               const at::Tensor& small, const Windows& windows, const at::Tensor& dx) {
  if (!dx.is_cpu()) return gpu_passes(dx).merge(base, a, b, small, windows, dx);
  const int64_t channels = dx.size(1);
  const int64_t bins = dx.size(2);
  const int64_t frames = dx.size(3);
  with_stored_type(dx, [&](auto tag) {
    using T = decltype(tag);
    using F = Compute<T>;
    const auto data = [](const at::Tensor& map) {
      return map.defined() ? map_data<T>(map) : nullptr;
    };
    const auto all_of_base = slab_of<const T>(base);
    const T* all_of_a = data(a);
    const T* all_of_b = data(b);
    const T* all_of_small = data(small);
    T* to = data(dx);
    over_small_bins(dx, windows, 0, nullptr, [&](int64_t utt, int64_t i, double*) {
      const int64_t first = i * windows.r();
      const int64_t rows = std::min(windows.r(), bins - first);
      std::vector<F> shares;
      if (all_of_small != nullptr) {
        shares.resize(static_cast<size_t>(windows.small_frames() * channels));
        const Slab<const T> row{
            all_of_small + (utt * windows.small_bins() + i) * windows.small_frames() * channels,
            channels, channels};
        map_kernels<T>().share(row, rows, frames, windows.r(), shares.data());
      }
      for (int64_t f = first; f < first + rows; ++f) {
        const int64_t row = (utt * bins + f) * frames;
        const auto at = [&](const T* map) {
          return map == nullptr ? nullptr : map + row * channels;
        };
        map_kernels<T>().merge(
            {all_of_base.data + row * all_of_base.stride, channels, all_of_base.stride},
            at(all_of_a), at(all_of_b), shares.empty() ? nullptr : shares.data(),
            windows.window_frame().data(), frames, to + row * channels);
      }
    });
  });
}

// One row of the small map: its norm, and the rows of the gate that take it.
template <class T>
class GateRows {
 public:
  using F = Compute<T>;
  GateRows(const GateInputs& inputs, const Windows& windows)
      : windows_(windows),
        channels_(inputs.c3.size(1)),
        bins_(inputs.c3.size(2)),
        frames_(inputs.c3.size(3)),
        x1_(inputs.x1.defined() ? map_data<T>(inputs.x1) : nullptr),
        c3_(map_data<T>(inputs.c3)),
        c2_(map_data<T>(inputs.c2)),
        norm3_(inputs.norm3),
        norm2_(inputs.norm2) {}

  // body(row, its first element in the map)
  template <class Body>
  void of_small_bin(int64_t utt, int64_t i, Body body) const {
    std::vector<F> up(static_cast<size_t>(windows_.small_frames() * channels_));
    const Slab<const T> small{
        c2_ + (utt * windows_.small_bins() + i) * windows_.small_frames() * channels_, channels_,
        channels_};
    map_kernels<T>().apply_wide(small, norm2_.from(0), up.data(), {0, windows_.small_frames()});
    for (int64_t f = windows_.first_bin()[static_cast<size_t>(i)];
         f < windows_.first_bin()[static_cast<size_t>(i) + 1]; ++f) {
      const int64_t begin = (utt * bins_ + f) * frames_ * channels_;
      body(GateRow<T>{x1_ == nullptr ? nullptr : x1_ + begin, c3_ + begin, norm3_.from(0),
                      up.data(), windows_.nearest_frame().data(), frames_, channels_},
           begin);
    }
  }
  [[nodiscard]] const ChannelNumbers<F>& norm3() const { return norm3_; }
  [[nodiscard]] int64_t channels() const { return channels_; }

 private:
  const Windows& windows_;
  int64_t channels_;
  int64_t bins_;
  int64_t frames_;
  const T* x1_;
  const T* c3_;
  const T* c2_;
  ChannelNumbers<F> norm3_;
  ChannelNumbers<F> norm2_;
};

at::Tensor map_gate(const GateInputs& inputs, const Windows& windows) {
  if (!inputs.c3.is_cpu()) return gpu_passes(inputs.c3).gate(inputs, windows);
  at::Tensor z = empty_map(inputs.c3, inputs.c3.size(1));
  with_stored_type(z, [&](auto tag) {
    using T = decltype(tag);
    const GateRows<T> rows(inputs, windows);
    T* to = map_data<T>(z);
    over_small_bins(z, windows, 0, nullptr, [&](int64_t utt, int64_t i, double*) {
      rows.of_small_bin(utt, i, [&](const GateRow<T>& row, int64_t begin) {
        map_kernels<T>().gate(row, to + begin);
      });
    });
  });
  return z;
}

GateGradients map_gate_backward(const at::Tensor& dz, const GateInputs& inputs,
                                const Windows& windows) {
  if (!dz.is_cpu()) return gpu_passes(dz).gate_backward(dz, inputs, windows);
  const int64_t channels = dz.size(1);
  GateGradients gradients{dz, {}, at::empty_like(inputs.c2), at::zeros({2, channels}, at::kDouble)};
  if (inputs.x1.defined()) gradients.of_x1 = empty_map(dz, channels);
  with_stored_type(dz, [&](auto tag) {
    using T = decltype(tag);
    using F = Compute<T>;
    const GateRows<T> rows(inputs, windows);
    T* z = map_data<T>(dz);
    T* dx1 = inputs.x1.defined() ? map_data<T>(gradients.of_x1) : nullptr;
    T* small = map_data<T>(gradients.of_norm2);
    over_small_bins(dz, windows, 2 * channels, gradients.sums3_2C.mutable_data_ptr<double>(),
                    [&](int64_t utt, int64_t i, double* sums) {
                      std::vector<F> dup(static_cast<size_t>(windows.small_frames() * channels));
                      rows.of_small_bin(utt, i, [&](const GateRow<T>& row, int64_t begin) {
                        map_kernels<T>().gate_backward(row, z + begin, z + begin,
                                                       dx1 == nullptr ? nullptr : dx1 + begin,
                                                       dup.data(), sums);
                      });
                      const auto count = static_cast<int64_t>(dup.size());
                      map_kernels<T>().narrow(dup.data(), count,
                                              small + (utt * windows.small_bins() + i) * count);
                    });
    gradients.sums3_2C[1].addcmul_(gradients.sums3_2C[0], rows.norm3().rest(inputs.norm3.mean));
  });
  return gradients;
}

}  // namespace spc
