// A 64-bit hash for telling whether two places hold the same bytes.
#pragma once

#include <cstddef>
#include <cstdint>

namespace spc {

/// Eight bytes at a time through splitmix64's finaliser, continuing from `hash` (0 at the start).
/// Finds accidents, not forgeries. The value depends on the machine's byte order.
uint64_t hash64(const void* data, size_t size, uint64_t hash = 0);

}  // namespace spc
