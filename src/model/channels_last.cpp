#include "model/channels_last.h"

#include "base/integers.h"
#include "model/channel_numbers.h"
#include "model/gpu_passes.h"
#include "model/map_access.h"

namespace spc {
namespace {

// Of a pass over all maps; small enough for what one kernel wrote to be in the cache when the next
// reads it.
constexpr int64_t kChunkBytes = 16 << 10;

int64_t pixels_of(const at::Tensor& map) {
  return map.size(0) * map.size(2) * map.size(3);
}

std::vector<int64_t> widths_of(const MapParts& parts) {
  std::vector<int64_t> widths;
  widths.reserve(parts.size());
  for (const at::Tensor& part : parts) widths.push_back(part.size(1));
  return widths;
}

// The finest cut of all maps.
std::vector<int64_t> finest(std::initializer_list<const MapParts*> maps) {
  return widths_of(**std::max_element(
      maps.begin(), maps.end(),
      [](const MapParts* a, const MapParts* b) { return a->size() < b->size(); }));
}

// A whole map is cut as `widths` say, a map in parts is taken as it is.
template <class T>
std::vector<Slab<T>> slabs(const MapParts& parts, const std::vector<int64_t>& widths) {
  std::vector<Slab<T>> cut(widths.size());
  if (parts.empty()) return cut;
  SPC_ASSERT(parts.size() == 1 || parts.size() == widths.size(), "parts of a map");
  int64_t begin = 0;
  for (size_t i = 0; i < widths.size(); ++i) {
    const at::Tensor& part = parts.size() == 1 ? parts[0] : parts[i];
    const int64_t offset = parts.size() == 1 ? begin : 0;
    if (part.defined()) {
      const auto whole = slab_of<T>(part);
      cut[i] = {whole.data + offset, widths[i], whole.stride};
    }
    begin += widths[i];
  }
  return cut;
}

// body(pixels, sums) for chunks of all pixels.
template <class T, class Body>
void over_chunks(int64_t pixels, int64_t channels, int64_t width, double* sums, Body body) {
  const int64_t chunk =
      std::max<int64_t>(16, kChunkBytes / (channels * static_cast<int64_t>(sizeof(T))));
  const int64_t chunks = ceil_divided(pixels, chunk);
  in_shares(width, sums, [&](int64_t share, int64_t shares, double* own) {
    for (int64_t i = chunks * share / shares; i < chunks * (share + 1) / shares; ++i)
      body(Pixels{i * chunk, std::min(pixels, (i + 1) * chunk)}, own);
  });
}

int64_t sum_of(const std::vector<int64_t>& widths) {
  int64_t sum = 0;
  for (const int64_t width : widths) sum += width;
  return sum;
}

// body(part, its first channel, pixels, sums) for chunks of all pixels, part after part.
template <class T, class Body>
void over_parts(int64_t pixels, const std::vector<int64_t>& widths, int64_t width, double* sums,
                Body body) {
  over_chunks<T>(pixels, sum_of(widths), width, sums, [&](Pixels chunk, double* own) {
    int64_t channel = 0;
    for (size_t i = 0; i < widths.size(); ++i) {
      body(i, channel, chunk, own);
      channel += widths[i];
    }
  });
}

}  // namespace

at::Tensor channels_last(const at::Tensor& map) {
  const auto format = at::MemoryFormat::ChannelsLast;
  if (!map.is_cpu() || map.is_contiguous(format) || !is_slab(map)) return map.contiguous(format);
  at::Tensor copy = at::empty(map.sizes(), map.options(), format);
  with_stored_type(map, [&](auto tag) {
    using T = decltype(tag);
    const auto& kernels = map_kernels<T>();
    const auto from = slab_of<const T>(map);
    const auto to = slab_of<T>(copy);
    over_chunks<T>(pixels_of(map), map.size(1), 0, nullptr,
                   [&](Pixels pixels, double*) { kernels.copy(from, to, pixels); });
  });
  return copy;
}

at::Tensor empty_map(const at::Tensor& like, int64_t channels) {
  return at::empty({like.size(0), channels, like.size(2), like.size(3)}, like.options(),
                   at::MemoryFormat::ChannelsLast);
}

MapParts empty_parts(const MapParts& like) {
  MapParts parts;
  parts.reserve(like.size());
  for (const at::Tensor& part : like) parts.push_back(empty_map(part, part.size(1)));
  return parts;
}

namespace {

// Kernels add to sums of one part after the other, [2, width] each; they become [2, C].
class PartSums {
 public:
  explicit PartSums(const std::vector<int64_t>& widths)
      : widths_(widths), sums_(static_cast<size_t>(2 * sum_of(widths))) {}
  [[nodiscard]] int64_t size() const { return static_cast<int64_t>(sums_.size()); }
  double* data() { return sums_.data(); }
  [[nodiscard]] at::Tensor joined() const {
    at::Tensor all = at::empty({2, size() / 2}, at::kDouble);
    auto* to = all.mutable_data_ptr<double>();
    int64_t begin = 0;
    for (const int64_t width : widths_) {
      for (int64_t row = 0; row < 2; ++row)
        std::copy_n(sums_.data() + 2 * begin + row * width, width, to + row * (size() / 2) + begin);
      begin += width;
    }
    return all;
  }

 private:
  std::vector<int64_t> widths_;
  std::vector<double> sums_;
};

}  // namespace

ChannelSums map_sums(const MapParts& x) {
  if (!x[0].is_cpu()) return gpu_passes(x[0]).sums(x);
  const std::vector<int64_t> widths = widths_of(x);
  PartSums sums(widths);
  with_stored_type(x[0], [&](auto tag) {
    using T = decltype(tag);
    const auto& kernels = map_kernels<T>();
    const auto from = slabs<const T>(x, widths);
    over_parts<T>(pixels_of(x[0]), widths, sums.size(), sums.data(),
                  [&](size_t i, int64_t channel, Pixels pixels, double* own) {
                    kernels.sums(from[i], pixels, own + 2 * channel);
                  });
  });
  return {sums.joined(), static_cast<double>(pixels_of(x[0]))};
}

void map_apply(const MapParts& x, const ChannelNorm& norm, const MapParts& add, const MapParts& y) {
  if (!x[0].is_cpu()) return gpu_passes(x[0]).apply(x, norm, add, y);
  const std::vector<int64_t> widths = finest({&x, &y, &add});
  with_stored_type(x[0], [&](auto tag) {
    using T = decltype(tag);
    const auto& kernels = map_kernels<T>();
    const ChannelNumbers<Compute<T>> numbers(norm);
    const auto from = slabs<const T>(x, widths);
    const auto added = slabs<const T>(add, widths);
    const auto to = slabs<T>(y, widths);
    over_parts<T>(pixels_of(x[0]), widths, 0, nullptr,
                  [&](size_t i, int64_t channel, Pixels pixels, double*) {
                    kernels.apply(from[i], numbers.from(channel), norm.relu, added[i], to[i],
                                  pixels);
                  });
  });
}

at::Tensor map_backward_sums(const MapParts& dy, const MapParts& x, const ChannelNorm& norm) {
  if (!x[0].is_cpu()) return gpu_passes(x[0]).backward_sums(dy, x, norm);
  const std::vector<int64_t> widths = finest({&x, &dy});
  PartSums sums(widths);
  at::Tensor rest;
  with_stored_type(x[0], [&](auto tag) {
    using T = decltype(tag);
    const auto& kernels = map_kernels<T>();
    const ChannelNumbers<Compute<T>> numbers(norm);
    rest = numbers.rest(norm.mean);
    const auto from = slabs<const T>(x, widths);
    const auto gradients = slabs<const T>(dy, widths);
    over_parts<T>(pixels_of(x[0]), widths, sums.size(), sums.data(),
                  [&](size_t i, int64_t channel, Pixels pixels, double* own) {
                    kernels.backward_sums(gradients[i], from[i], numbers.from(channel), norm.relu,
                                          pixels, own + 2 * channel);
                  });
  });
  at::Tensor joined = sums.joined();
  joined[1].addcmul_(joined[0], rest);
  return joined;
}

void map_backward_apply(const MapParts& dy, const MapParts& x, const ChannelNorm& norm,
                        const ChannelBackward& back, const MapParts& add, const MapParts& dx) {
  if (!x[0].is_cpu()) return gpu_passes(x[0]).backward_apply(dy, x, norm, back, add, dx);
  const std::vector<int64_t> widths = finest({&dy, &x, &dx, &add});
  with_stored_type(x[0], [&](auto tag) {
    using T = decltype(tag);
    using F = Compute<T>;
    const auto& kernels = map_kernels<T>();
    const ChannelNumbers<F> numbers(norm);
    const std::vector<F> of_gradient = to_numbers<F>(back.of_gradient);
    const std::vector<F> of_deviation = to_numbers<F>(back.of_deviation);
    const std::vector<F> constant =
        to_numbers<F>(back.constant + numbers.rest(norm.mean) * back.of_deviation);
    const auto from = slabs<const T>(x, widths);
    const auto gradients = slabs<const T>(dy, widths);
    const auto added = slabs<const T>(add, widths);
    const auto to = slabs<T>(dx, widths);
    over_parts<T>(pixels_of(x[0]), widths, 0, nullptr,
                  [&](size_t i, int64_t c, Pixels pixels, double*) {
                    kernels.backward_apply(
                        gradients[i], from[i], numbers.from(c), norm.relu,
                        {of_gradient.data() + c, of_deviation.data() + c, constant.data() + c},
                        added[i], to[i], pixels);
                  });
  });
}

ChannelBackward norm_backward(const at::Tensor& sums_2C, const at::Tensor& scale,
                              const at::Tensor& invstd, const at::Tensor& count) {
  return {scale, -scale * invstd.square() * sums_2C[1] / count, -scale * sums_2C[0] / count};
}

}  // namespace spc
