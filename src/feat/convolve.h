// Convolution of a signal with a room's impulse response.   Legend: N samples, M taps
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace spc {

/// y[n] = sum over m of h[m] x[n + shift - m] for n = 0 .. N - 1: the N samples of the full
/// convolution (N + M - 1) that begin at `shift`. By Fourier transforms of blocks (overlap-add), in
/// single precision: within 1e-5 of the largest sample of scipy.signal.fftconvolve.
/// @param x      [N], N >= 1
/// @param h      [M], M >= 1
/// @param shift  0 .. M - 1; the index of the direct sound keeps a signal in its place
/// Thread-safe: no state.
std::vector<float> convolve(std::span<const float> x, std::span<const float> h, int64_t shift);

}  // namespace spc
