#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <thread>

#include "unit/loader/loader_cases.h"

namespace spc {
namespace {

using testing::AllOf;
using testing::HasSubstr;

// Flips a bit of the first value of an utterance where it lies in its shard.
void damage(const CorpusFolder& corpus, const std::string& utt) {
  for (const UtteranceEntry& entry : corpus.shards.utts()) {
    if (entry.utt == utt)
      flip_bit(corpus.shards.shard_path(entry.shard), static_cast<size_t>(entry.byte_offset));
  }
}

class LoaderErrors : public testing::TestWithParam<LoaderConfig> {};

TEST_P(LoaderErrors, OfAThreadReachTheCallerAndNameUtteranceAndShard) {
  const CorpusFolder corpus;
  damage(corpus, "fay");
  const auto loader = corpus.loader({}, GetParam());
  const auto all_batches = [&] { (void)batches_of(*loader, 8); };
  const std::string message = message_of(all_batches);
  EXPECT_THAT(message, AllOf(HasSubstr("utterance fay in shard " + corpus.shard(1).string()),
                             HasSubstr("wrong checksum")));
  EXPECT_EQ(message_of([&] { (void)loader->next(); }), message) << "it stays broken";
}

TEST_P(LoaderErrors, OfNoiseAreErrorsToo) {
  const CorpusFolder corpus;
  for (const UtteranceEntry& entry : corpus.noise.utts()) {
    flip_bit(corpus.noise.shard_path(entry.shard), static_cast<size_t>(entry.byte_offset));
  }
  AugmentConfig augment;
  augment.noise_prob = 1;
  const auto loader = corpus.loader(augment, GetParam());
  EXPECT_THAT(message_of([&] { (void)loader->next(); }),
              AllOf(HasSubstr("noise"), HasSubstr("wrong checksum")));
}

TEST_P(LoaderErrors, OfAShardThatWasCutShortMeanwhile) {
  const CorpusFolder corpus;
  std::filesystem::resize_file(corpus.shard(1), 100);
  const auto loader = corpus.loader({}, GetParam());
  EXPECT_THAT(message_of([&] { (void)batches_of(*loader, 8); }),
              AllOf(HasSubstr(corpus.shard(1).string()), HasSubstr("the file ends too early")));
}

TEST_P(LoaderErrors, BeforeAnyCallDoNotKeepTheDestructorWaiting) {
  for (int i = 0; i < 6; ++i) {
    const CorpusFolder corpus;
    damage(corpus, "ann");
    const auto loader = corpus.loader({}, GetParam());
    if (i % 2 == 0) {
      EXPECT_THROW((void)batches_of(*loader, 8), Error);
    }
  }
}

// A destructor that hangs runs into the test's time limit.
TEST_P(LoaderErrors, ALoaderMayEndAtAnyMoment) {
  const CorpusFolder corpus;
  const AugmentConfig augment = every_augmentation();
  for (int64_t i = 0; i < 30; ++i) {
    const auto loader =
        std::make_unique<Loader>(corpus.shards, &corpus.noise, ViewsConfig{2, 600, 2, 400}, augment,
                                 GetParam(), kSeed, LoaderShare{kBatch, 0, kBatch, 0, 1000});
    if (i % 3 == 1) {
      EXPECT_EQ(loader->next().step, 0);
    }
    if (i % 3 == 2) std::this_thread::sleep_for(std::chrono::microseconds(100 * i));
  }
}

INSTANTIATE_TEST_SUITE_P(Configs, LoaderErrors,
                         testing::Values(LoaderConfig{1, 1}, LoaderConfig{1, 4}, LoaderConfig{3, 1},
                                         LoaderConfig{4, 4}),
                         [](const auto& each) {
                           return concat(each.param.threads, "_threads_",
                                         each.param.prefetch_batches, "_ahead");
                         });

TEST(LoaderConfigs, ALoaderWithoutNoiseShardsCannotMixNoise) {
  const CorpusFolder corpus;
  AugmentConfig augment;
  augment.noise_prob = 0.25;
  const auto make = [&] {
    Loader(corpus.shards, nullptr, small_views(), augment, {}, kSeed, {kBatch, 0, kBatch, 0, 1});
  };
  EXPECT_EQ(message_of<UsageError>(make), "augment.noise_prob = 0.25 needs --noise-shards");
  augment.noise_prob = 0;
  EXPECT_NO_THROW(make());
}

TEST(LoaderConfigs, SayWhichKeyIsWrong) {
  const auto refusal = [](const auto& config) {
    return message_of<UsageError>([&] { config.validate(); });
  };
  EXPECT_NO_THROW(ViewsConfig().validate());
  EXPECT_NO_THROW((ViewsConfig{1, 16, 0, 16}).validate());
  EXPECT_EQ(refusal(ViewsConfig{0, 300, 4, 200}),
            "views.num_global must be >= 1 and views.num_local >= 0");
  EXPECT_EQ(refusal(ViewsConfig{2, 300, -1, 200}),
            "views.num_global must be >= 1 and views.num_local >= 0");
  EXPECT_EQ(refusal(ViewsConfig{2, 15, 4, 200}),
            "views.global_frames and views.local_frames must be >= 16");
  EXPECT_EQ(refusal(ViewsConfig{2, 300, 4, 15}),
            "views.global_frames and views.local_frames must be >= 16");
  EXPECT_NO_THROW(LoaderConfig().validate());
  EXPECT_EQ(refusal(LoaderConfig{0, 4}), "loader.threads and loader.prefetch_batches must be >= 1");
  EXPECT_EQ(refusal(LoaderConfig{2, 0}), "loader.threads and loader.prefetch_batches must be >= 1");
}

TEST(LoaderErrors, CopiesAreNeededForCopyProb) {
  const CorpusFolder corpus;
  AugmentConfig augment;
  augment.copy_prob = 0.5;
  EXPECT_THAT(message_of<UsageError>([&] { (void)corpus.loader(augment, {}); }),
              testing::HasSubstr("the shards hold no augmented copies"));
}

}  // namespace
}  // namespace spc
