#include "feat/convolve.h"

#include <kiss_fftr.h>

#include <algorithm>
#include <bit>
#include <memory>
#include <new>

#include "base/error.h"

namespace spc {
namespace {

/// A block of the signal, the response behind it and their transform are about as long as these, so
/// that short responses do not make tiny blocks.
constexpr size_t kSmallestTransform = 8192;

struct PlanFree {
  void operator()(kiss_fftr_cfg plan) const { kiss_fftr_free(plan); }
};

/// Real transforms of one length, both ways, and their memory.
class Transform {
 public:
  explicit Transform(size_t size)
      : size_(size),
        forward_(kiss_fftr_alloc(static_cast<int>(size), 0, nullptr, nullptr)),
        backward_(kiss_fftr_alloc(static_cast<int>(size), 1, nullptr, nullptr)),
        samples_(size) {
    if (!forward_ || !backward_) throw std::bad_alloc();
  }
  /// The spectrum of the samples, followed by zeros up to the length.
  std::vector<kiss_fft_cpx> spectrum(std::span<const float> samples) {
    std::copy(samples.begin(), samples.end(), samples_.begin());
    std::fill(samples_.begin() + static_cast<std::ptrdiff_t>(samples.size()), samples_.end(), 0.0F);
    std::vector<kiss_fft_cpx> lines(size_ / 2 + 1);
    kiss_fftr(forward_.get(), samples_.data(), lines.data());
    return lines;
  }
  /// Its samples, times their number.
  const std::vector<float>& samples(const std::vector<kiss_fft_cpx>& spectrum) {
    kiss_fftri(backward_.get(), spectrum.data(), samples_.data());
    return samples_;
  }

 private:
  using Plan = std::unique_ptr<kiss_fftr_state, PlanFree>;
  size_t size_;
  Plan forward_;
  Plan backward_;
  std::vector<float> samples_;
};

}  // namespace

std::vector<float> convolve(std::span<const float> x, std::span<const float> h, int64_t shift) {
  SPC_ASSERT(!x.empty() && !h.empty(), "nothing to convolve");
  SPC_ASSERT(shift >= 0 && shift < static_cast<int64_t>(h.size()), "a shift outside the response");
  const size_t size = std::max(kSmallestTransform, std::bit_ceil(2 * h.size()));
  const size_t block = size - h.size() + 1;
  Transform transform(size);
  const std::vector<kiss_fft_cpx> response = transform.spectrum(h);
  const auto scale = 1.0F / static_cast<float>(size);
  std::vector<float> y(x.size());
  for (size_t begin = 0; begin < x.size(); begin += block) {
    const auto part = x.subspan(begin, std::min(block, x.size() - begin));
    std::vector<kiss_fft_cpx> lines = transform.spectrum(part);
    for (size_t i = 0; i < lines.size(); ++i) {
      const kiss_fft_cpx a = lines[i];
      const kiss_fft_cpx b = response[i];
      lines[i] = {(a.r * b.r - a.i * b.i) * scale, (a.r * b.i + a.i * b.r) * scale};
    }
    const std::vector<float>& full = transform.samples(lines);
    // Sample i of this block is sample begin + i of the full convolution.
    const auto skip = static_cast<size_t>(shift);
    const size_t first = begin < skip ? skip - begin : 0;
    const size_t last = std::min(part.size() + h.size() - 1, x.size() + skip - begin);
    for (size_t i = first; i < last; ++i) y[begin + i - skip] += full[i];
  }
  return y;
}

}  // namespace spc
