#include "kernels/mel_kernels.h"

#include <algorithm>
#include <array>
#include <cfloat>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/mel_kernels.cpp"
#include <hwy/aligned_allocator.h>
#include <hwy/foreach_target.h>  // includes this file once for each processor
#include <hwy/highway.h>

#include "kernels/lane_fft-inl.h"
#include "kernels/transpose-inl.h"

// After the others, which it needs.
#include <hwy/contrib/math/math-inl.h>

HWY_BEFORE_NAMESPACE();
namespace spc {
namespace HWY_NAMESPACE {

constexpr size_t kFrames = kWidest<float>;  // in a vector
using Lanes = hn::CappedTag<float, kFrames>;
using Frames = std::array<const float*, kFrames>;
using Rows = std::array<float*, kFrames>;

// Where the transform wants sample i of every frame.
HWY_INLINE float* place_of(const RealFft& fft, size_t i, float* numbers) {
  return numbers + (2 * fft.places[i / 2] + i % 2) * kFrames;
}

// Every frame to its lane; their means.
HWY_INLINE Vector<Lanes> take_frames(Lanes d, const Frames& frames, size_t length,
                                     const RealFft& fft, float* numbers) {
  auto even = hn::Zero(d), odd = even;  // sums
  const auto take = [&](const Frames& from, size_t offset, size_t at) HWY_ATTR {
    const Quartet<Lanes> quartet = load_transposed(d, from.data(), offset);
    float* first = place_of(fft, at, numbers);
    float* second = place_of(fft, at + 2, numbers);
    hn::Store(quartet.v0, d, first);
    hn::Store(quartet.v1, d, first + kFrames);
    hn::Store(quartet.v2, d, second);
    hn::Store(quartet.v3, d, second + kFrames);
    even = hn::Add(even, hn::Add(quartet.v0, quartet.v2));
    odd = hn::Add(odd, hn::Add(quartet.v1, quartet.v3));
  };
  const size_t whole = length - length % 4;
  for (size_t i = 0; i < whole; i += 4) take(frames, i, i);
  if (whole < length) {
    std::array<std::array<float, 4>, kFrames> rest{};
    Frames at;
    for (size_t frame = 0; frame < kFrames; ++frame) {
      std::copy_n(frames[frame] + whole, length - whole, rest[frame].data());
      at[frame] = rest[frame].data();
    }
    take(at, 0, whole);
  }
  return hn::Div(hn::Add(even, odd), hn::Set(d, static_cast<float>(length)));
}

HWY_INLINE void condition(Lanes d, const MelTables& tables, Vector<Lanes> mean, float* numbers) {
  const auto preemphasis = hn::Set(d, tables.preemphasis);
  auto previous = hn::Sub(hn::Load(d, numbers), mean);
  const size_t length = tables.window.size();
  for (size_t i = 0; i < length; ++i) {
    float* at = place_of(tables.fft, i, numbers);
    const auto centered = hn::Sub(hn::Load(d, at), mean);
    const auto emphasised = hn::Sub(centered, hn::Mul(preemphasis, previous));
    hn::Store(hn::Mul(emphasised, hn::Set(d, tables.window[i])), d, at);
    previous = centered;
  }
  for (size_t i = length; i < tables.fft.size; ++i)
    hn::Store(hn::Zero(d), d, place_of(tables.fft, i, numbers));
}

// Infinity and NaN, for which Log() has a number, stay.
HWY_INLINE Vector<Lanes> log_energy(Lanes d, Vector<Lanes> energy) {
  const auto floor = hn::Set(d, FLT_EPSILON);
  const auto floored = hn::IfThenElse(hn::Lt(energy, floor), floor, energy);
  return hn::IfThenElse(hn::Le(floored, hn::Set(d, FLT_MAX)), hn::Log(d, floored), floored);
}

HWY_INLINE void mel_energies(Lanes d, const MelTables& tables, const float* power,
                             float* energies) {
  for (const MelBin& bin : tables.bins) {
    const float* line = power + bin.first_line * kFrames;
    auto energy = hn::Zero(d);
    for (const float weight : bin.weights) {
      energy = hn::Add(energy, hn::Mul(hn::Load(d, line), hn::Set(d, weight)));
      line += kFrames;
    }
    hn::Store(log_energy(d, energy), d, energies);
    energies += kFrames;
  }
}

// values[i] of every lane to rows[lane][i].
HWY_INLINE void put_rows(Lanes d, const float* values, size_t length, const Rows& rows) {
  const auto load4 = [&](size_t i) HWY_ATTR {
    const float* from = values + i * kFrames;
    return Quartet<Lanes>{hn::Load(d, from), hn::Load(d, from + kFrames),
                          hn::Load(d, from + 2 * kFrames), hn::Load(d, from + 3 * kFrames)};
  };
  const size_t whole = length - length % 4;
  for (size_t i = 0; i < whole; i += 4) store_transposed(d, load4(i), rows.data(), i);
  for (size_t i = whole; i < length; ++i)
    for (size_t lane = 0; lane < kFrames; ++lane) rows[lane][i] = values[i * kFrames + lane];
}

void log_mel(const MelTables& tables, const float* const* frames, int64_t count, float* energies) {
  const Lanes d;
  const size_t columns = tables.bins.size();
  const auto memory =
      hwy::AllocateAligned<float>((tables.fft.size + tables.fft.size / 2) * kFrames);
  const auto logs = hwy::AllocateAligned<float>((kFrames + 1) * columns);
  float* numbers = memory.get();
  float* power = numbers + tables.fft.size * kFrames;
  float* nowhere = logs.get() + kFrames * columns;
  const auto total = static_cast<size_t>(count);
  for (size_t first = 0; first < total; first += kFrames) {
    Frames from;
    Rows to;
    for (size_t lane = 0; lane < kFrames; ++lane) {
      const size_t frame = first + lane;
      from[lane] = frames[std::min(frame, total - 1)];
      to[lane] = frame < total ? energies + frame * columns : nowhere;
    }
    const auto mean = take_frames(d, from, tables.window.size(), tables.fft, numbers);
    condition(d, tables, mean, numbers);
    power_spectrum(d, tables.fft, numbers, power);
    mel_energies(d, tables, power, logs.get());
    put_rows(d, logs.get(), columns, to);
  }
}

const MelKernels* mel_table() {
  static constexpr MelKernels kTable{.log_mel = log_mel};
  return &kTable;
}

}  // namespace HWY_NAMESPACE
}  // namespace spc
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace spc {

HWY_EXPORT(mel_table);

const MelKernels& mel_kernels() {
  return *HWY_DYNAMIC_DISPATCH(mel_table)();
}

}  // namespace spc
#endif
