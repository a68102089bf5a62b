#include "model/packed_maps.h"

#include <map>

#include "base/integers.h"
#include "model/map_access.h"
#include "model/map_gate.h"

namespace spc {
namespace {

// Frames that a thread takes at once, at least.
constexpr int64_t kGrain = 16;

template <class F>
struct Identity {
  explicit Identity(int64_t channels)
      : zeros(static_cast<size_t>(channels), F{0}), ones(static_cast<size_t>(channels), F{1}) {}
  [[nodiscard]] Affine<F> norm() const { return {zeros.data(), ones.data(), zeros.data()}; }
  std::vector<F> zeros;
  std::vector<F> ones;
};

// body(a number of the type of the map): what a gate takes is not widened, so bfloat16 is not here.
template <class Body>
void with_wide_type(const at::Tensor& map, Body body) {
  SPC_ASSERT(map.size(0) == 1, "a packed map is one row");
  map.scalar_type() == at::kDouble ? body(double{}) : body(float{});
}

template <class T>
T* frame_data(const at::Tensor& map) {
  SPC_ASSERT(map.scalar_type() == c10::CppTypeToScalarType<T>::value, "the type of a packed map");
  return map_data<T>(map);
}

}  // namespace

void clear_gaps(const MapParts& maps, const PackedFrames& frames) {
  for (const at::Tensor& map : maps) {
    SPC_ASSERT(map.size(0) == 1 && map.size(2) == frames.total(), "a packed map of these frames");
    const auto bytes_of_frame =
        static_cast<size_t>(map.size(1) * map.size(3)) * static_cast<size_t>(map.element_size());
    auto* data = map_data<std::byte>(map);
    for (size_t i = 0; i < frames.size(); ++i)
      std::fill(data + static_cast<size_t>(frames.end(i)) * bytes_of_frame,
                data + static_cast<size_t>(frames.next(i)) * bytes_of_frame, std::byte{0});
  }
}

PackedWindows::PackedWindows(const PackedFrames& frames, int64_t bins, int64_t r,
                             at::ScalarType type)
    : r_(r),
      small_(r == 1 ? frames : frames.pooled(r)),  // without windows: the map itself
      small_bins_(ceil_divided(bins, r)),
      nearest_frame_(static_cast<size_t>(frames.total()), -1),
      nearest_bin_(nearest(small_bins_, bins, type)) {
  windows_.resize(static_cast<size_t>(small_.total()));
  std::map<int64_t, std::vector<int32_t>> nearest_of;  // utterances of one length are alike
  for (size_t i = 0; i < frames.size(); ++i) {
    for (int64_t w = 0; w < small_.frames(i); ++w)
      windows_[static_cast<size_t>(small_.begin(i) + w)] = {frames.begin(i) + w * r,
                                                            std::min(r, frames.frames(i) - w * r)};
    std::vector<int32_t>& sources = nearest_of[frames.frames(i)];
    if (sources.empty()) sources = nearest(small_.frames(i), frames.frames(i), type);
    std::transform(sources.begin(), sources.end(), nearest_frame_.begin() + frames.begin(i),
                   [&](int32_t source) { return static_cast<int32_t>(small_.begin(i)) + source; });
  }
}

at::Tensor packed_pool(const at::Tensor& x1, const PackedWindows& windows, WindowPooling pooling) {
  const int64_t channels = x1.size(1);
  const int64_t bins = x1.size(3);
  at::Tensor small = at::empty({1, channels, windows.small().total(), windows.small_bins()},
                               x1.options(), at::MemoryFormat::ChannelsLast);
  with_wide_type(x1, [&](auto tag) {
    using T = decltype(tag);
    const MapKernels<T>& kernels = map_kernels<T>();
    const auto pool = pooling == WindowPooling::kMax ? kernels.pool_max : kernels.pool_average;
    const T* from = frame_data<T>(x1);
    T* to = frame_data<T>(small);
    const int64_t width = windows.small_bins() * channels;
    at::parallel_for(0, windows.small().total(), kGrain, [&](int64_t begin, int64_t end) {
      for (int64_t t = begin; t < end; ++t) {
        const PackedWindows::Window& window = windows.windows()[static_cast<size_t>(t)];
        if (window.frames == 0) {
          std::fill_n(to + t * width, width, T{0});
          continue;
        }
        const Slab<const T> rows{from + window.begin * bins * channels, channels, channels};
        pool(rows, window.frames, bins * channels, bins, windows.r(), to + t * width);
      }
    });
  });
  return small;
}

void packed_gate(const at::Tensor& x1, const at::Tensor& small, const PackedWindows& windows,
                 const at::Tensor& z) {
  const int64_t channels = z.size(1);
  const int64_t bins = z.size(3);
  SPC_ASSERT(z.size(2) == windows.frames() && small.size(2) == windows.small().total(),
             "packed maps of these windows");
  with_wide_type(z, [&](auto tag) {
    using T = decltype(tag);
    const Identity<T> identity(channels);
    const T* inside = x1.defined() ? frame_data<T>(x1) : nullptr;
    const T* up = frame_data<T>(small);
    T* to = frame_data<T>(z);
    const int64_t width = bins * channels;
    at::parallel_for(0, windows.frames(), kGrain, [&](int64_t begin, int64_t end) {
      for (int64_t t = begin; t < end; ++t) {
        T* row = to + t * width;
        const int64_t source = windows.nearest_frame()[static_cast<size_t>(t)];
        if (source < 0) {
          std::fill_n(row, width, T{0});
          continue;
        }
        map_kernels<T>().gate({inside == nullptr ? nullptr : inside + t * width, row,
                               identity.norm(), up + source * windows.small_bins() * channels,
                               windows.nearest_bin().data(), bins, channels},
                              row);
      }
    });
  });
}

}  // namespace spc
