// What a Fourier transform of N real numbers needs beside them: made once, used by any thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace spc {

/// The N numbers are taken for N / 2 complex ones (even samples real, odd ones imaginary), whose
/// transform goes in place, where need be one step by two and then steps by four (decimation in
/// time), from numbers that lie in an order of their own. The real transform's lines follow from
/// pairs of the complex one's.
struct RealFft {
  /// @param fft_size  N, a power of two from 2 on
  explicit RealFft(size_t fft_size);

  size_t size;                 // N
  bool by_two;                 // N / 2 is no power of four
  std::vector<size_t> places;  // [N / 2]: where complex number i is put before the transform
  std::vector<float> turns;    // of each step by four, to blocks of n > 4 numbers, for each j < n /
                               // 4: real and imaginary part of exp(-2 pi i m j / n), m = 1, 2, 3
  std::vector<float> splits;   // [N / 4, 2]: exp(-2 pi i k / N), likewise
};

}  // namespace spc
