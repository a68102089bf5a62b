// Counter-based random numbers: every draw is a pure function of (seed, coordinates), so nothing
// about randomness has to be saved. Generator: Philox4x32-10, Salmon et al., "Parallel Random
// Numbers: As Easy as 1, 2, 3", SC 2011; tested against its known answers.
#pragma once

#include <array>
#include <cmath>
#include <cstdint>
#include <initializer_list>
#include <numbers>

namespace spc {

using PhiloxBlock = std::array<uint32_t, 4>;

/// Ten rounds of Philox4x32.
constexpr PhiloxBlock philox4x32(PhiloxBlock counter, std::array<uint32_t, 2> key) {
  for (int round = 0; round < 10; ++round) {
    const uint64_t product0 = uint64_t{0xD2511F53u} * counter[0];
    const uint64_t product1 = uint64_t{0xCD9E8D57u} * counter[2];
    counter = {static_cast<uint32_t>(product1 >> 32) ^ counter[1] ^ key[0],
               static_cast<uint32_t>(product1),
               static_cast<uint32_t>(product0 >> 32) ^ counter[3] ^ key[1],
               static_cast<uint32_t>(product0)};
    key[0] += 0x9E3779B9u;
    key[1] += 0xBB67AE85u;
  }
  return counter;
}

/// splitmix64's finaliser: a well-mixing bijection of 64 bits.
constexpr uint64_t mix64(uint64_t x) {
  x += 0x9E3779B97F4A7C15u;
  x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9u;
  x = (x ^ (x >> 27)) * 0x94D049BB133111EBu;
  return x ^ (x >> 31);
}

/// A stream of draws named by (seed, coordinates), e.g. Random(seed, {epoch, utt, view}). Not
/// thread-safe; make one where it is needed.
class Random {
 public:
  Random(uint64_t seed, std::initializer_list<uint64_t> coordinates) {
    uint64_t stream = 0;
    for (const uint64_t coordinate : coordinates) stream = mix64(stream ^ mix64(coordinate + 1));
    key_ = {static_cast<uint32_t>(seed), static_cast<uint32_t>(seed >> 32)};
    counter_ = {0, 0, static_cast<uint32_t>(stream), static_cast<uint32_t>(stream >> 32)};
  }

  uint32_t next_u32() {
    if (used_ == 4) {
      block_ = philox4x32(counter_, key_);
      if (++counter_[0] == 0) ++counter_[1];
      used_ = 0;
    }
    return block_[used_++];
  }
  uint64_t next_u64() {
    const uint64_t high = next_u32();
    return high << 32 | next_u32();
  }
  /// Uniform in [0, 1), 53 bits.
  double uniform() { return static_cast<double>(next_u64() >> 11) * 0x1p-53; }
  double uniform(double low, double high) { return low + (high - low) * uniform(); }
  /// Uniform integer in [0, n), n >= 1, without bias (Lemire 2019).
  uint64_t below(uint64_t n) {
    Uint128 product = Uint128{next_u64()} * n;
    if (static_cast<uint64_t>(product) < n) {
      const uint64_t threshold = (0 - n) % n;
      while (static_cast<uint64_t>(product) < threshold) product = Uint128{next_u64()} * n;
    }
    return static_cast<uint64_t>(product >> 64);
  }
  /// Standard normal (Box-Muller; one of the pair is thrown away to keep the stream stateless).
  double normal() {
    const double radius = std::sqrt(-2.0 * std::log(1.0 - uniform()));
    return radius * std::cos(2.0 * std::numbers::pi * uniform());
  }

 private:
  __extension__ using Uint128 = unsigned __int128;  // not ISO C++, in every 64-bit compiler

  std::array<uint32_t, 2> key_{};
  PhiloxBlock counter_{};
  PhiloxBlock block_{};
  unsigned used_ = 4;
};

}  // namespace spc
