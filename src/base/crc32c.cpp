#include "base/crc32c.h"

#include <array>
#include <cstring>

namespace spc {
namespace {

using Table = std::array<std::array<uint32_t, 256>, 8>;

// Slicing-by-8: table[k][b] is the CRC of byte b followed by k zero bytes.
constexpr Table make_table() {
  Table table{};
  for (uint32_t byte = 0; byte < 256; ++byte) {
    uint32_t crc = byte;
    for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1) ^ ((crc & 1) != 0 ? 0x82F63B78u : 0u);
    table[0][byte] = crc;
  }
  for (size_t k = 1; k < 8; ++k) {
    for (size_t byte = 0; byte < 256; ++byte) {
      table[k][byte] = (table[k - 1][byte] >> 8) ^ table[0][table[k - 1][byte] & 0xFF];
    }
  }
  return table;
}
constexpr Table kTable = make_table();

#if defined(__x86_64__)
// A state is a polynomial modulo that of the checksum, and n zero bytes behind it multiply it by
// x^(8 n). The product is linear, so that of each of its four bytes is looked up.
using ZerosTable = std::array<std::array<uint32_t, 256>, 4>;

// A state's product with x^(8 zeros), by as many steps of the bit at a time that kTable is made of.
constexpr uint32_t append_zeros(uint32_t state, size_t zeros) {
  for (; zeros > 0; --zeros) state = (state >> 8) ^ kTable[0][state & 0xFF];
  return state;
}

constexpr ZerosTable make_zeros_table(size_t zeros) {
  ZerosTable table{};
  for (uint32_t place = 0; place < 4; ++place) {
    for (uint32_t bit = 1; bit < 256; bit *= 2)
      table[place][bit] = append_zeros(bit << 8 * place, zeros);
    for (uint32_t byte = 1; byte < 256; ++byte) {
      const uint32_t rest = byte & (byte - 1);  // without its lowest bit
      table[place][byte] = table[place][rest] ^ table[place][byte ^ rest];
    }
  }
  return table;
}

// The processor begins a step every cycle and ends it two later, so three streams keep it busy:
// three neighbouring blocks, whose states are then joined. Short blocks serve what is left.
template <size_t kBlock>
constexpr ZerosTable kZeros = make_zeros_table(kBlock);

template <size_t kBlock>
__attribute__((target("sse4.2"))) uint32_t crc32c_blocks(const unsigned char*& data, size_t& size,
                                                         uint32_t crc) {
  const auto behind_zeros = [](uint64_t state) {
    const ZerosTable& table = kZeros<kBlock>;
    return table[0][state & 0xFF] ^ table[1][state >> 8 & 0xFF] ^ table[2][state >> 16 & 0xFF] ^
           table[3][state >> 24];
  };
  for (; size >= 3 * kBlock; data += 3 * kBlock, size -= 3 * kBlock) {
    uint64_t first = crc, second = 0, third = 0;
    for (size_t i = 0; i < kBlock; i += 8) {
      uint64_t words[3];
      std::memcpy(&words[0], data + i, 8);
      std::memcpy(&words[1], data + kBlock + i, 8);
      std::memcpy(&words[2], data + 2 * kBlock + i, 8);
      first = __builtin_ia32_crc32di(first, words[0]);
      second = __builtin_ia32_crc32di(second, words[1]);
      third = __builtin_ia32_crc32di(third, words[2]);
    }
    crc = behind_zeros(behind_zeros(first) ^ second) ^ static_cast<uint32_t>(third);
  }
  return crc;
}

__attribute__((target("sse4.2"))) uint32_t crc32c_sse42(const unsigned char* data, size_t size,
                                                        uint32_t crc) {
  crc = crc32c_blocks<2048>(data, size, crc);
  crc = crc32c_blocks<128>(data, size, crc);
  uint64_t state = crc;
  for (; size >= 8; data += 8, size -= 8) {
    uint64_t word = 0;
    std::memcpy(&word, data, 8);
    state = __builtin_ia32_crc32di(state, word);
  }
  crc = static_cast<uint32_t>(state);
  for (; size > 0; ++data, --size) crc = __builtin_ia32_crc32qi(crc, *data);
  return crc;
}
#endif

}  // namespace

uint32_t crc32c_portable(const void* data, size_t size, uint32_t crc) {
  const auto* bytes = static_cast<const unsigned char*>(data);
  crc = ~crc;
  for (; size >= 8; bytes += 8, size -= 8) {
    const uint32_t low = crc ^ (uint32_t{bytes[0]} | uint32_t{bytes[1]} << 8 |
                                uint32_t{bytes[2]} << 16 | uint32_t{bytes[3]} << 24);
    crc = kTable[7][low & 0xFF] ^ kTable[6][low >> 8 & 0xFF] ^ kTable[5][low >> 16 & 0xFF] ^
          kTable[4][low >> 24] ^ kTable[3][bytes[4]] ^ kTable[2][bytes[5]] ^ kTable[1][bytes[6]] ^
          kTable[0][bytes[7]];
  }
  for (; size > 0; ++bytes, --size) crc = (crc >> 8) ^ kTable[0][(crc ^ *bytes) & 0xFF];
  return ~crc;
}

uint32_t crc32c(const void* data, size_t size, uint32_t crc) {
#if defined(__x86_64__)
  if (__builtin_cpu_supports("sse4.2"))
    return ~crc32c_sse42(static_cast<const unsigned char*>(data), size, ~crc);
#endif
  return crc32c_portable(data, size, crc);
}

}  // namespace spc
