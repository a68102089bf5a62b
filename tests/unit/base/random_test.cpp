#include "base/random.h"

#include <gtest/gtest.h>

#include <set>
#include <vector>

namespace spc {
namespace {

// The known answers that the authors of Random123 publish with their code (kat_vectors).
TEST(Philox, GivesThePublishedKnownAnswers) {
  constexpr uint32_t kOnes = 0xFFFFFFFFu;
  EXPECT_EQ(philox4x32({0, 0, 0, 0}, {0, 0}),
            (PhiloxBlock{0x6627E8D5u, 0xE169C58Du, 0xBC57AC4Cu, 0x9B00DBD8u}));
  EXPECT_EQ(philox4x32({kOnes, kOnes, kOnes, kOnes}, {kOnes, kOnes}),
            (PhiloxBlock{0x408F276Du, 0x41C83B0Eu, 0xA20BC7C6u, 0x6D5451FDu}));
  EXPECT_EQ(
      philox4x32({0x243F6A88u, 0x85A308D3u, 0x13198A2Eu, 0x03707344u}, {0xA4093822u, 0x299F31D0u}),
      (PhiloxBlock{0xD16CFE09u, 0x94FDCCEBu, 0x5001E420u, 0x24126EA1u}));
}

std::vector<uint64_t> first_draws(Random random) {
  std::vector<uint64_t> draws(8);
  for (uint64_t& draw : draws) draw = random.next_u64();
  return draws;
}

TEST(Random, TheSameSeedAndCoordinatesGiveTheSameDraws) {
  EXPECT_EQ(first_draws(Random(7, {1, 2, 3})), first_draws(Random(7, {1, 2, 3})));
}

TEST(Random, AnotherSeedOrCoordinateGivesAnotherStream) {
  const std::vector<Random> streams{
      Random(7, {}),        Random(8, {}),        Random(uint64_t{7} << 32, {}),
      Random(7, {0}),       Random(7, {1}),       Random(7, {0, 0}),
      Random(7, {0, 1}),    Random(7, {1, 0}),    Random(7, {1, 2, 3}),
      Random(7, {3, 2, 1}), Random(7, {1, 3, 2}), Random(7, {uint64_t{1} << 40})};
  std::set<uint64_t> seen;
  for (const Random& stream : streams) {
    for (const uint64_t draw : first_draws(stream)) seen.insert(draw);
  }
  EXPECT_EQ(seen.size(), 8 * streams.size());
}

TEST(Random, NeighbouringCoordinatesAreUnrelated) {
  // Bits of the first draws of 4096 neighbouring streams: each position is one in half of them,
  // within 5 standard deviations.
  std::vector<int> ones(64, 0);
  for (uint64_t utt = 0; utt < 4096; ++utt) {
    const uint64_t draw = Random(1, {0, utt, 0}).next_u64();
    for (size_t bit = 0; bit < 64; ++bit) ones[bit] += static_cast<int>(draw >> bit & 1);
  }
  for (const int count : ones) EXPECT_NEAR(count, 2048, 5 * 32);
}

TEST(Random, AnEndOfTheCounterDoesNotRepeatBlocks) {
  Random random(3, {9});
  std::set<uint32_t> seen;
  for (int i = 0; i < 4000; ++i) seen.insert(random.next_u32());
  EXPECT_GT(seen.size(), 3990u);  // 4000 draws of 2^32 collide less than once on average
}

TEST(Random, UniformLiesInItsRangeWithTheRightMoments) {
  Random random(11, {});
  constexpr int kDraws = 200000;
  double sum = 0;
  double squares = 0;
  for (int i = 0; i < kDraws; ++i) {
    const double x = random.uniform();
    ASSERT_GE(x, 0.0);
    ASSERT_LT(x, 1.0);
    sum += x;
    squares += x * x;
  }
  EXPECT_NEAR(sum / kDraws, 0.5, 0.003);
  EXPECT_NEAR(squares / kDraws, 1.0 / 3.0, 0.003);
  for (int i = 0; i < 1000; ++i) {
    const double x = random.uniform(-3, 5);
    ASSERT_GE(x, -3.0);
    ASSERT_LT(x, 5.0);
  }
}

TEST(Random, BelowIsEvenOverItsRange) {
  // Pearson's statistic of n cells has mean n - 1 and variance 2 (n - 1): 5 deviations above it is
  // no accident of a good generator.
  for (const uint64_t n : {2u, 3u, 7u, 10u, 61u}) {
    Random random(5, {n});
    constexpr int kDraws = 60000;
    std::vector<int> counts(n, 0);
    for (int i = 0; i < kDraws; ++i) {
      const uint64_t draw = random.below(n);
      ASSERT_LT(draw, n);
      ++counts[draw];
    }
    const double expected = kDraws / static_cast<double>(n);
    double chi_square = 0;
    for (const int count : counts) chi_square += (count - expected) * (count - expected) / expected;
    const double freedom = static_cast<double>(n) - 1;
    EXPECT_LT(chi_square, freedom + 5 * std::sqrt(2 * freedom)) << n;
  }
}

TEST(Random, BelowIsUnbiasedWhereTheRangeDoesNotDivideTheGenerators) {
  // For n = 3 * 2^62 a plain remainder or product would give every third value twice: 1/2 instead
  // of 1/3 of the draws.
  const uint64_t n = uint64_t{3} << 62;
  Random random(5, {});
  int upper_third = 0;
  int multiple_of_three = 0;
  for (int i = 0; i < 30000; ++i) {
    const uint64_t draw = random.below(n);
    upper_third += draw >= uint64_t{1} << 63 ? 1 : 0;
    multiple_of_three += draw % 3 == 0 ? 1 : 0;
  }
  EXPECT_NEAR(upper_third, 10000, 400);
  EXPECT_NEAR(multiple_of_three, 10000, 400);
}

TEST(Random, BelowOneIsZero) {
  Random random(5, {});
  for (int i = 0; i < 100; ++i) EXPECT_EQ(random.below(1), 0u);
}

TEST(Random, NormalHasTheMomentsOfTheStandardNormal) {
  Random random(13, {});
  constexpr int kDraws = 200000;
  double moments[5] = {};
  for (int i = 0; i < kDraws; ++i) {
    const double x = random.normal();
    double power = 1;
    for (double& moment : moments) {
      moment += power / kDraws;
      power *= x;
    }
  }
  EXPECT_NEAR(moments[1], 0, 0.01);
  EXPECT_NEAR(moments[2], 1, 0.015);
  EXPECT_NEAR(moments[3], 0, 0.04);
  EXPECT_NEAR(moments[4], 3, 0.1);
}

}  // namespace
}  // namespace spc
