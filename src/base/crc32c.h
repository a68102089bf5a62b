// CRC-32C (Castagnoli), the checksum of every utterance in a shard. The processor's own instruction
// where it has one.
#pragma once

#include <cstddef>
#include <cstdint>

namespace spc {

/// CRC-32C of `size` bytes, continuing from `crc` (0 at the start). Thread-safe. Check value:
/// "123456789" -> 0xE3069283 (RFC 3720 B.4).
uint32_t crc32c(const void* data, size_t size, uint32_t crc = 0);

/// The portable table version, kept callable so that a test can compare the two.
uint32_t crc32c_portable(const void* data, size_t size, uint32_t crc = 0);

}  // namespace spc
