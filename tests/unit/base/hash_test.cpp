#include "base/hash.h"

#include <gtest/gtest.h>

#include <cstring>
#include <set>
#include <string>

#include "base/random.h"

namespace spc {
namespace {

TEST(Hash64, IsTheChainOfMixersThatItSays) {
  const uint64_t words[2] = {0x0123456789abcdef, 42};
  EXPECT_EQ(hash64(words, 16), mix64(mix64(mix64(16) ^ words[0]) ^ words[1]));
  EXPECT_EQ(hash64(words, 16, 7), mix64(mix64(mix64(7 ^ 16) ^ words[0]) ^ words[1]));
  // splitmix64's first number for the seed 0, of its reference implementation.
  EXPECT_EQ(hash64(nullptr, 0), 0xE220A8397B1DCDAFu);
}

TEST(Hash64, SeesEveryBitAndEveryLength) {
  const std::string text(43, 'x');
  std::set<uint64_t> seen{hash64(text.data(), text.size())};
  for (size_t bit = 0; bit < 8 * text.size(); ++bit) {
    std::string changed = text;
    changed[bit / 8] = static_cast<char>(changed[bit / 8] ^ (1 << bit % 8));
    EXPECT_TRUE(seen.insert(hash64(changed.data(), changed.size())).second) << bit;
  }
  const std::string zeros(43, '\0');
  for (size_t size = 0; size <= zeros.size(); ++size)
    EXPECT_TRUE(seen.insert(hash64(zeros.data(), size)).second) << size;
}

TEST(Hash64, GoesOnWhereAnotherEnded) {
  EXPECT_NE(hash64("ab", 2, hash64("cd", 2)), hash64("cd", 2, hash64("ab", 2)));
}

}  // namespace
}  // namespace spc
