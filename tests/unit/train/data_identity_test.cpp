#include "train/data_identity.h"

#include <gtest/gtest.h>

#include <set>

#include "base/hash.h"
#include "loader/sampler.h"
#include "unit/store/shard_folder.h"

namespace spc {
namespace {

class DataIdentity : public testing::Test {
 protected:
  ShardSet shards(const std::string& name, const std::string& last, int64_t frames) {
    return ShardSet({write_shards(folder_ / name, {{{"ann", 9}, {"ben", 8}}, {{last, frames}}})});
  }
  const TemporaryFolder folder_;
};

TEST_F(DataIdentity, TheFingerprintIsOfNamesAndLengths) {
  const std::string first = fingerprint(shards("a", "cat", 7), nullptr);
  EXPECT_EQ(first.substr(0, 21), "3 utterances, crc32c ");
  EXPECT_EQ(first, fingerprint(shards("b", "cat", 7), nullptr)) << "not of the folder";
  EXPECT_NE(first, fingerprint(shards("c", "cow", 7), nullptr));
  EXPECT_NE(first, fingerprint(shards("d", "cat", 8), nullptr));
  const ShardSet noise = shards("e", "dog", 7);
  EXPECT_EQ(first + "; noise: " + fingerprint(noise, nullptr),
            fingerprint(shards("f", "cat", 7), &noise));
}

TEST_F(DataIdentity, TheNextBatchIsThatOfTheSampler) {
  const ShardSet set = shards("a", "cat", 7);
  Sampler sampler(3, 5);
  uint64_t hash = 0;
  for (const int64_t position : {8, 9}) {
    const std::string& utt = set.utts()[static_cast<size_t>(sampler.at(position).utt)].utt;
    hash = hash64(utt.data(), utt.size(), hash);
  }
  EXPECT_EQ(std::stoull(next_batch_hash(set, sampler, 4, 2), nullptr, 16), hash);
}

TEST_F(DataIdentity, AnotherStepSeedOrUtteranceIsAnotherBatch) {
  const ShardSet set = shards("a", "cat", 7);
  std::set<std::string> seen;
  // An epoch of three has six orders; a batch of eight spans three of them.
  Sampler one(3, 1);
  Sampler two(3, 2);
  for (const int64_t step : {0, 1, 2, 100}) seen.insert(next_batch_hash(set, one, step, 8));
  seen.insert(next_batch_hash(set, two, 0, 8));
  seen.insert(next_batch_hash(shards("b", "cow", 7), one, 0, 8));
  EXPECT_EQ(seen.size(), 6U);
  for (const std::string& each : seen) EXPECT_EQ(each.size(), 16U);
}

}  // namespace
}  // namespace spc
