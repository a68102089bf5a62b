#include "base/crc32c.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "base/random.h"

namespace spc {
namespace {

using Crc = uint32_t (*)(const void*, size_t, uint32_t);
class Crc32cTest : public testing::TestWithParam<Crc> {};

// RFC 3720, section B.4.
TEST_P(Crc32cTest, GivesTheAnswersOfTheRfc) {
  const Crc crc = GetParam();
  std::vector<unsigned char> bytes(32, 0);
  EXPECT_EQ(crc(bytes.data(), 32, 0), 0x8A9136AAu);
  bytes.assign(32, 0xFF);
  EXPECT_EQ(crc(bytes.data(), 32, 0), 0x62A8AB43u);
  for (size_t i = 0; i < 32; ++i) bytes[i] = static_cast<unsigned char>(i);
  EXPECT_EQ(crc(bytes.data(), 32, 0), 0x46DD794Eu);
  EXPECT_EQ(crc("123456789", 9, 0), 0xE3069283u);
  EXPECT_EQ(crc(nullptr, 0, 0), 0u);
}

TEST_P(Crc32cTest, ContinuesFromAnyCut) {
  const std::string text = "the frames of one utterance, cut anywhere, sum to the same checksum";
  const uint32_t whole = GetParam()(text.data(), text.size(), 0);
  for (size_t cut = 0; cut <= text.size(); ++cut) {
    const uint32_t first = GetParam()(text.data(), cut, 0);
    EXPECT_EQ(GetParam()(text.data() + cut, text.size() - cut, first), whole) << cut;
  }
}

INSTANTIATE_TEST_SUITE_P(Both, Crc32cTest, testing::Values(&crc32c, &crc32c_portable),
                         [](const auto& each) {
                           return std::string(each.index == 0 ? "fast" : "portable");
                         });

std::vector<unsigned char> random_bytes(size_t count) {
  Random random(1, {});
  std::vector<unsigned char> bytes(count);
  for (unsigned char& byte : bytes) byte = static_cast<unsigned char>(random.below(256));
  return bytes;
}

// A bit at a time, by the polynomial 0x1EDC6F41 mirrored.
uint32_t crc32c_by_bits(const unsigned char* bytes, size_t size, uint32_t crc) {
  crc = ~crc;
  for (size_t i = 0; i < 8 * size; ++i) {
    const uint32_t bit = (bytes[i / 8] >> i % 8 & 1U) ^ (crc & 1U);
    crc = (crc >> 1) ^ (bit != 0 ? 0x82F63B78U : 0U);
  }
  return ~crc;
}

TEST(Crc32c, IsThatOfBitsAtEveryLength) {
  const std::vector<unsigned char> bytes = random_bytes(4096);
  for (size_t size = 0; size <= bytes.size(); size += size < 300 ? 1 : 61) {
    const uint32_t expected = crc32c_by_bits(bytes.data(), size, 0x1234U);
    EXPECT_EQ(crc32c(bytes.data(), size, 0x1234U), expected) << size;
    EXPECT_EQ(crc32c_portable(bytes.data(), size, 0x1234U), expected) << size;
  }
}

TEST(Crc32c, TheProcessorAndTheTableAgreeAtEveryLengthAndAlignment) {
  const std::vector<unsigned char> bytes = random_bytes(4096 + 8);
  for (size_t begin = 0; begin < 8; ++begin) {
    for (size_t size = 0; size <= 4096; ++size) {
      ASSERT_EQ(crc32c(bytes.data() + begin, size, 0x1234U),
                crc32c_portable(bytes.data() + begin, size, 0x1234U))
          << size << " from " << begin;
    }
  }
}

// Long enough for the largest blocks, several times and with every remainder of the smaller ones.
TEST(Crc32c, TheProcessorAndTheTableAgreeOnLongData) {
  const std::vector<unsigned char> bytes = random_bytes(40'000);
  for (size_t size = 6000; size <= bytes.size(); size += 97)
    ASSERT_EQ(crc32c(bytes.data(), size), crc32c_portable(bytes.data(), size)) << size;
}

TEST(Crc32c, SeesEverySingleFlippedBit) {
  std::vector<unsigned char> bytes(24, 0x5A);
  const uint32_t before = crc32c(bytes.data(), bytes.size());
  for (size_t bit = 0; bit < 8 * bytes.size(); ++bit) {
    bytes[bit / 8] ^= static_cast<unsigned char>(1u << bit % 8);
    EXPECT_NE(crc32c(bytes.data(), bytes.size()), before);
    bytes[bit / 8] ^= static_cast<unsigned char>(1u << bit % 8);
  }
}

}  // namespace
}  // namespace spc
