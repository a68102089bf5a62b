#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>

#include "unit/loader/loader_cases.h"
#include "unit/loader/view_cases.h"

namespace spc {
namespace {

class LoaderThreads : public testing::TestWithParam<LoaderConfig> {};

TEST_P(LoaderThreads, ChangeNothingInABatch) {
  const CorpusFolder corpus;
  const auto one = corpus.loader(every_augmentation(), {.threads = 1, .prefetch_batches = 4});
  const auto other = corpus.loader(every_augmentation(), GetParam());
  for (int64_t step = 0; step < 8; ++step) expect_same(one->next(), other->next());
}

INSTANTIATE_TEST_SUITE_P(Configs, LoaderThreads,
                         testing::Values(LoaderConfig{1, 1}, LoaderConfig{3, 1}, LoaderConfig{2, 4},
                                         LoaderConfig{4, 2}, LoaderConfig{4, 100}),
                         [](const auto& each) {
                           return concat(each.param.threads, "_threads_",
                                         each.param.prefetch_batches, "_ahead");
                         });

// The crop of the first view with nothing done to it; the view itself stays what it was.
TEST(LoaderCleanView, IsTheFirstViewWithoutAugmentation) {
  const CorpusFolder corpus;
  const auto augmented = corpus.loader(every_augmentation(), {});
  const auto plain = corpus.loader({}, {});
  ViewsConfig views = small_views();
  views.clean = true;
  Loader both(corpus.shards, &corpus.noise, views, every_augmentation(), {}, kSeed,
              LoaderShare{kBatch, 0, kBatch, 0, 8});
  for (int64_t step = 0; step < 8; ++step) {
    const Batch batch = both.next();
    const Batch expected = plain->next();
    ASSERT_EQ(batch.clean.size(), expected.global.size() / 2);
    EXPECT_TRUE(std::equal(batch.clean.begin(), batch.clean.end(), expected.global.begin()));
    expect_same(batch, augmented->next());
    EXPECT_TRUE(expected.clean.empty());
  }
}

class LoaderShares : public testing::TestWithParam<std::vector<int64_t>> {};

TEST_P(LoaderShares, PutTogetherAreTheWholeBatch) {
  const std::vector<int64_t>& cuts = GetParam();
  const CorpusFolder corpus;
  const auto whole = corpus.loader(every_augmentation(), {});
  std::vector<std::unique_ptr<Loader>> ranks;
  for (size_t rank = 0; rank + 1 < cuts.size(); ++rank)
    ranks.push_back(corpus.loader(every_augmentation(), {}, cuts[rank], cuts[rank + 1]));
  for (int64_t step = 0; step < 5; ++step) {
    const Batch all = whole->next();
    ASSERT_EQ(all.places.size(), static_cast<size_t>(kBatch));
    for (size_t rank = 0; rank < ranks.size(); ++rank) {
      const Batch part = ranks[rank]->next();
      EXPECT_EQ(part.step, step);
      const int64_t rows = cuts[rank + 1] - cuts[rank];
      ASSERT_EQ(part.places.size(), static_cast<size_t>(rows));
      ASSERT_EQ(part.global.size(), static_cast<size_t>(2 * rows * 24 * kBins));
      ASSERT_EQ(part.local.size(), static_cast<size_t>(3 * rows * 16 * kBins));
      for (int64_t row = 0; row < rows; ++row) {
        const int64_t whole_row = cuts[rank] + row;
        EXPECT_EQ(part.places[static_cast<size_t>(row)].utt,
                  all.places[static_cast<size_t>(whole_row)].utt);
        for (int64_t view = 0; view < num_views(); ++view) {
          EXPECT_EQ(view_of(part, view, row), view_of(all, view, whole_row))
              << "row " << whole_row << ", view " << view;
        }
      }
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Cuts, LoaderShares,
                         testing::Values(std::vector<int64_t>{0, 3, 6},
                                         std::vector<int64_t>{0, 1, 6},
                                         std::vector<int64_t>{0, 2, 3, 6}));

TEST(Loader, FollowsTheSamplerOverEpochs) {
  const CorpusFolder corpus;
  const auto loader = corpus.loader({}, {}, 2, 5);
  Sampler sampler(kCorpusUtts, kSeed);
  for (int64_t step = 0; step < 8; ++step) {
    const Batch batch = loader->next();
    for (int64_t row = 0; row < 3; ++row) {
      const Sampler::Place place = sampler.at(step * kBatch + 2 + row);
      EXPECT_EQ(batch.places[static_cast<size_t>(row)].epoch, place.epoch);
      EXPECT_EQ(batch.places[static_cast<size_t>(row)].utt, place.utt);
    }
  }
}

TEST(Loader, StartedAtAStepMakesThatStepsBatch) {
  const CorpusFolder corpus;
  const std::vector<Batch> all = batches_of(*corpus.loader(every_augmentation(), {}), 8);
  for (const int64_t first : {1, 4, 7}) {
    const auto resumed = corpus.loader(every_augmentation(), {}, 0, kBatch, first);
    for (int64_t step = first; step < 8; ++step)
      expect_same(resumed->next(), all[static_cast<size_t>(step)]);
  }
}

TEST(Loader, EndsWithItsLastStep) {
  const CorpusFolder corpus;
  const auto loader = corpus.loader({}, {}, 0, kBatch, 2, 5);
  for (int64_t step = 2; step < 5; ++step) EXPECT_EQ(loader->next().step, step);
  EXPECT_THAT(message_of([&] { (void)loader->next(); }),
              testing::HasSubstr("no step is left to load"));
}

// The views of an utterance in an epoch, by its name.
using ViewsByUtt = std::map<std::string, std::vector<std::vector<float>>>;
ViewsByUtt views_of_epoch(const CorpusFolder& corpus, const AugmentConfig& augment, int64_t epoch,
                          uint64_t seed = kSeed) {
  ViewsByUtt views;
  const auto loader = corpus.loader(augment, {}, 0, kBatch, 0, 8, seed);
  for (int64_t step = 0; step < 8; ++step) {
    const Batch batch = loader->next();
    for (int64_t row = 0; row < kBatch; ++row) {
      const Sampler::Place place = batch.places[static_cast<size_t>(row)];
      if (place.epoch != epoch) continue;
      auto& of_utt = views[corpus.shards.utts()[static_cast<size_t>(place.utt)].utt];
      for (int64_t view = 0; view < num_views(); ++view)
        of_utt.push_back(view_of(batch, view, row));
    }
  }
  EXPECT_EQ(views.size(), static_cast<size_t>(kCorpusUtts));
  return views;
}

TEST(Loader, ViewsAreCropsOfTheirUtteranceMinusTheMean) {
  const CorpusFolder corpus;
  for (const auto& [utt, views] : views_of_epoch(corpus, {}, 0)) {
    std::vector<float> feats;
    for (const UtteranceEntry& entry : corpus.shards.utts()) {
      if (entry.utt == utt) corpus.shards.read(entry, feats);
    }
    const auto total = static_cast<int64_t>(feats.size()) / kBins;
    for (size_t view = 0; view < views.size(); ++view) {
      const int64_t frames = view < 2 ? 24 : 16;
      int places = 0;
      for (int64_t from = 0; from < (total >= frames ? total - frames + 1 : total); ++from) {
        std::vector<float> crop;
        for (int64_t t = 0; t < frames; ++t) {
          const auto frame = feats.begin() + (from + t) % total * kBins;
          crop.insert(crop.end(), frame, frame + kBins);
        }
        places += without_mean(crop) == views[view] ? 1 : 0;
      }
      EXPECT_EQ(places, 1) << utt << " of " << total << " frames, view " << view;
    }
  }
}

TEST(Loader, DrawsBelongToTheUtteranceNotToItsPlaceInTheShards) {
  AugmentConfig augment;
  augment.time_masks = augment.freq_masks = 1;
  const auto views_in = [&](const std::vector<std::vector<Utterance>>& shards) {
    return views_of_epoch(CorpusFolder(shards), augment, 1);
  };
  const std::vector<std::vector<Utterance>> moved{
      {{"kim", 41}, {"fay", 100}, {"cat", 7}, {"ben", 24}, {"ida", 1}, {"eve", 50}},
      {{"hal", 25}, {"dan", 16}, {"jon", 64}, {"ann", 30}, {"gus", 23}}};
  EXPECT_EQ(views_in(kCorpus), views_in(moved));
}

TEST(Loader, EachViewEpochAndSeedDrawsAnew) {
  const CorpusFolder corpus;
  const ViewsByUtt first = views_of_epoch(corpus, {}, 0);
  EXPECT_EQ(first, views_of_epoch(corpus, {}, 0));
  const auto& views = first.at("fay");  // of 77 places
  EXPECT_NE(views[0], views[1]);
  EXPECT_NE(views[2], views[3]);
  EXPECT_NE(views[3], views[4]);
  EXPECT_NE(views, views_of_epoch(corpus, {}, 1).at("fay"));
  EXPECT_NE(views, views_of_epoch(corpus, {}, 0, kSeed + 1).at("fay"));
}

TEST(Loader, MixesFromTheCorpusAndFromTheNoiseShards) {
  const CorpusFolder corpus;
  const ViewsByUtt plain = views_of_epoch(corpus, {}, 0);
  AugmentConfig speech;
  speech.speech_prob = 1;
  AugmentConfig babble;
  babble.babble_prob = 1;
  AugmentConfig noise;
  noise.noise_prob = 1;
  for (const AugmentConfig& augment : {speech, babble, noise}) {
    const ViewsByUtt mixed = views_of_epoch(corpus, augment, 0);
    int changed = 0;
    for (const auto& [utt, views] : plain) {
      for (size_t view = 0; view < views.size(); ++view) {
        changed += largest_difference(mixed.at(utt)[view], views[view]) > 1e-3 ? 1 : 0;
      }
    }
    // An utterance mixed with the same place of itself is only louder, which the mean takes away.
    EXPECT_GE(changed, kCorpusUtts * num_views() - (augment.noise_prob > 0 ? 0 : 3));
  }
}

/// Which copy of its utterance every view of some steps is, -1 for none, found by its features.
std::vector<int> copies_taken(double prob, int64_t batch_begin = 0, int64_t batch_end = kBatch) {
  // Without the utterance of one frame: all of its versions are zero once the mean is gone.
  std::vector<std::vector<Utterance>> corpus = kCorpus;
  std::erase_if(corpus[2], [](const Utterance& each) { return each.frames == 1; });
  const TemporaryFolder folder;
  const ShardSet shards({write_shards(folder / "s", corpus, kBins, "num_mel_bins=5", 3)});
  AugmentConfig augment;
  augment.copy_prob = prob;
  Loader loader(shards, nullptr, small_views(), augment, {}, kSeed,
                LoaderShare{kBatch, batch_begin, batch_end, 0, 30});
  // The same crop of each version: what the copy decides is the features alone.
  std::vector<ShardSet> versions;
  for (int copy = -1; copy < 3; ++copy) {
    const std::filesystem::path path = folder / concat("v", copy);
    std::filesystem::create_directories(path);
    ShardWriter writer(kBins);
    for (const auto& shard : corpus) {
      for (const Utterance& each : shard)
        writer.add(each.utt, "",
                   features_of(copy < 0 ? each.utt : concat(each.utt, "#", copy), each.frames));
    }
    Manifest manifest;
    manifest.fbank = "num_mel_bins=5";
    manifest.shards = {{"s.h5", writer.num_utts(), writer.num_frames()}};
    writer.publish(path / "s.h5", {manifest.fbank, kBins, 0, writer.num_utts(), "", {}, ""});
    write_manifest(path, manifest);
    versions.emplace_back(std::vector<std::string>{path});
  }
  std::vector<std::unique_ptr<Loader>> plain;
  for (const ShardSet& each : versions)
    plain.push_back(std::make_unique<Loader>(each, nullptr, small_views(), AugmentConfig(),
                                             LoaderConfig(), kSeed,
                                             LoaderShare{kBatch, batch_begin, batch_end, 0, 30}));
  std::vector<int> taken;
  for (int64_t step = 0; step < 30; ++step) {
    const Batch batch = loader.next();
    std::vector<Batch> expected;
    for (const auto& each : plain) expected.push_back(each->next());
    for (int64_t row = 0; row < batch_end - batch_begin; ++row) {
      for (int64_t view = 0; view < num_views(); ++view) {
        int found = -2;
        for (int copy = -1; copy < 3; ++copy) {
          if (view_of(batch, view, row) ==
              view_of(expected[static_cast<size_t>(copy + 1)], view, row))
            found = copy;
        }
        taken.push_back(found);
      }
    }
  }
  return taken;
}

TEST(LoaderCopies, AreDrawnForEachViewWithTheirProbability) {
  const std::vector<int> taken = copies_taken(0.6);
  std::map<int, int> counts;
  for (const int copy : taken) ++counts[copy];
  const auto total = static_cast<double>(taken.size());  // 900 views
  EXPECT_EQ(counts.count(-2), 0u) << "a view of nothing that is there";
  EXPECT_NEAR(counts[-1] / total, 0.4, 0.07);  // four standard deviations
  for (int copy = 0; copy < 3; ++copy) EXPECT_NEAR(counts[copy] / total, 0.2, 0.055);
}

TEST(LoaderCopies, DoNotDependOnTheShareOfTheBatch) {
  const std::vector<int> whole = copies_taken(0.6);
  const std::vector<int> part = copies_taken(0.6, 2, 5);
  const auto views = static_cast<size_t>(num_views());
  for (size_t step = 0; step < 30; ++step) {
    for (size_t i = 0; i < 3 * views; ++i)
      EXPECT_EQ(part[step * 3 * views + i], whole[step * kBatch * views + 2 * views + i]);
  }
}

}  // namespace
}  // namespace spc
