#include "base/hash.h"

#include <algorithm>
#include <cstring>

#include "base/random.h"

namespace spc {

uint64_t hash64(const void* data, size_t size, uint64_t hash) {
  const auto* bytes = static_cast<const unsigned char*>(data);
  hash = mix64(hash ^ size);
  for (size_t done = 0; done < size; done += 8) {
    uint64_t word = 0;
    std::memcpy(&word, bytes + done, std::min<size_t>(8, size - done));
    hash = mix64(hash ^ word);
  }
  return hash;
}

}  // namespace spc
