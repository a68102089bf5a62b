#include "train/extract.h"

#include <ATen/ATen.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>

#include "dist/thread_communicator.h"
#include "unit/model/formula.h"
#include "unit/store/shard_folder.h"
#include "unit/train/tensors.h"

namespace spc {
namespace {

constexpr int64_t kExtractBins = 16;

SpcNet small_network() {
  SpcNet network(small_config(), kExtractBins, 1);
  fill_by_formula(network.tensors());
  return network;
}

// Tiny, around the smallest padded length, in between, two that are cut. Not sorted.
const std::vector<std::vector<Utterance>> kUtterances{
    {{"mid", 50}, {"one", 1}, {"long", 301}, {"edge", 32}},
    {{"five", 5}, {"over", 33}, {"mid2", 55}, {"mid3", 41}, {"eight", 8}},
    {{"limit", 96}, {"above", 97}, {"nine", 9}}};

// The network on one utterance alone: its middle 96 frames, or its frames repeated up to eight,
// minus their mean.
at::Tensor alone(const SpcNet& network, const ShardSet& shards, const UtteranceEntry& entry) {
  std::vector<float> feats;
  shards.read(entry, feats);
  at::Tensor x = at::tensor(feats).view({1, entry.num_frames, kExtractBins});
  if (entry.num_frames > 96) x = x.narrow(1, (entry.num_frames - 96) / 2, 96);
  while (x.size(1) < 8) x = at::cat({x, x}, 1);
  if (entry.num_frames < 8) x = x.narrow(1, 0, 8);
  const at::NoGradGuard no_grad;
  return network.forward(x - x.mean(1, true), {})[0];
}

class Extract : public testing::TestWithParam<std::pair<int, int64_t>> {};

TEST_P(Extract, GivesEveryUtteranceTheEmbeddingItHasAlone) {
  const TemporaryFolder folder;
  const ShardSet shards({write_shards(folder / "shards", kUtterances, kExtractBins)});
  const SpcNet network = small_network();
  const auto [ranks, batch_frames] = GetParam();
  ExtractConfig config;
  config.max_frames = 96;
  config.batch_frames = batch_frames;
  run_thread_ranks(ranks, [&, frames = batch_frames](Communicator& comm) {
    const Embeddings embeddings = extract_embeddings(network, shards, config, comm).value();
    if (comm.rank() > 0) {
      EXPECT_TRUE(embeddings.utts.empty() && embeddings.values.empty()) << "rank 0 alone has them";
      return;
    }
    ASSERT_EQ(embeddings.utts.size(), shards.utts().size()) << frames;
    ASSERT_EQ(embeddings.dim, 5);
    ASSERT_EQ(embeddings.values.size(), 5 * embeddings.utts.size());
    for (size_t i = 0; i < embeddings.utts.size(); ++i) {
      EXPECT_EQ(embeddings.utts[i], shards.utts()[i].utt);
      const at::Tensor expected = alone(network, shards, shards.utts()[i]);
      const std::vector<float> row(embeddings.values.begin() + static_cast<int64_t>(5 * i),
                                   embeddings.values.begin() + static_cast<int64_t>(5 * i + 5));
      EXPECT_LT(worst_difference(at::tensor(row), expected),
                1e-5 * std::max(1.0, expected.norm().item<double>()))
          << embeddings.utts[i];
    }
  });
}

// Batches of one, of a few, of all that share a length; more ranks than utterances.
INSTANTIATE_TEST_SUITE_P(RanksAndFrames, Extract,
                         testing::Values(std::make_pair(1, 1), std::make_pair(1, 200),
                                         std::make_pair(1, 6000), std::make_pair(2, 200),
                                         std::make_pair(2, 6000), std::make_pair(3, 6000),
                                         std::make_pair(14, 6000)),
                         [](const auto& each) {
                           return concat(each.param.first, "_ranks_", each.param.second, "_frames");
                         });

// Some of the ranks have nothing in some of the pieces.
TEST(ExtractPieces, TheSameRowsComeHoweverManyAtOnce) {
  const TemporaryFolder folder;
  const ShardSet shards({write_shards(folder / "shards", kUtterances, kExtractBins)});
  const SpcNet network = small_network();
  for (const int64_t at_once : {1, 5, 12}) {
    run_thread_ranks(3, [&](Communicator& comm) {
      const EmbeddingShare share = extract_share(Embedder(network), shards, {}, comm).value();
      std::vector<float> values;
      int64_t pieces = 0;
      collect_embeddings(
          share, shards, comm,
          [&](std::span<const float> rows) {
            ++pieces;
            values.insert(values.end(), rows.begin(), rows.end());
          },
          at_once);
      const Embeddings all = extract_embeddings(network, shards, {}, comm).value();
      EXPECT_EQ(values, all.values) << at_once << " at once, rank " << comm.rank();
      EXPECT_EQ(pieces, comm.rank() == 0 ? (12 + at_once - 1) / at_once : 0);
    });
  }
}

TEST(ExtractErrors, AnEmbeddingThatIsNotFiniteNamesItsUtterance) {
  const TemporaryFolder folder;
  const ShardSet shards({write_shards(folder / "shards", kUtterances, kExtractBins)});
  const SpcNet network = small_network();
  at::Tensor bias = tensor_named(network.tensors(), "fc.bias").detach();
  bias[2] = NAN;
  run_thread_ranks(2, [&](Communicator& comm) {
    if (comm.rank() > 0) {
      (void)extract_embeddings(network, shards, {}, comm);
      return;
    }
    EXPECT_THAT(message_of([&] { (void)extract_embeddings(network, shards, {}, comm); }),
                testing::MatchesRegex("the embedding of [a-z0-9]+ is not finite; the checkpoint is "
                                      "broken, take an earlier one"));
  });
}

TEST(ExtractErrors, SayWhichKeyIsWrong) {
  EXPECT_NO_THROW((ExtractConfig{1, 32}).validate());
  for (const ExtractConfig& config : {ExtractConfig{0, 6000}, ExtractConfig{6000, 31}}) {
    EXPECT_EQ(message_of<UsageError>([&] { config.validate(); }),
              "extract.batch_frames must be >= 1 and extract.max_frames >= 32");
  }
}

}  // namespace
}  // namespace spc
