#include "model/folded_net.h"

#include <ATen/ATen.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "unit/model/packed_batch.h"
#include "unit/temporary_folder.h"
#include "unit/threads.h"

namespace spc {
namespace {

double worst_of(const at::Tensor& a, const at::Tensor& b) {
  return (a.to(at::kDouble) - b.to(at::kDouble)).abs().max().item<double>();
}

// The folded network over the packed batch against the plain one over each utterance alone.
double difference_from_alone(const SpcNetConfig& config, const PackedBatch& batch,
                             at::ScalarType type = at::kDouble) {
  const SpcNet network(config, batch.feats_TF.size(1), 1, type);
  fill_by_formula(network.tensors());
  const at::NoGradGuard no_grad;
  const at::Tensor together = FoldedNet(network).forward(batch.feats_TF.to(type), batch.frames);
  EXPECT_EQ(together.scalar_type(), type);
  EXPECT_TRUE(together.isfinite().all().item<bool>());  // what is NaN has no largest difference
  EXPECT_EQ(together.size(0), static_cast<int64_t>(batch.utts.size()));
  double worst = 0;
  for (size_t i = 0; i < batch.utts.size(); ++i) {
    const at::Tensor alone = network.forward(batch.utts[i].to(type), {})[0];
    worst = std::max(worst, worst_of(together[static_cast<int64_t>(i)], alone));
  }
  return worst;
}

struct FoldedCase {
  const char* name;
  const char* block_pooling = "avg";
  int reduction = 4;
  const char* pooling = "asp";
  bool identity = true;
  double pconv_ratio = 0.25;
  const char* blocks = "1,2,1,1";
};
class FoldedSwitches : public testing::TestWithParam<FoldedCase> {};

TEST_P(FoldedSwitches, EqualThePlainComposition) {
  const FoldedCase& switches = GetParam();
  SpcNetConfig config = small_config(switches.blocks);
  config.block_pooling = switches.block_pooling;
  config.reduction = switches.reduction;
  config.pooling = switches.pooling;
  config.identity = switches.identity;
  config.pconv_ratio = switches.pconv_ratio;
  const PackedBatch batch = packed_batch({37, 50, 23, 64, 8, 9, 15}, 20, 16);
  EXPECT_LT(difference_from_alone(config, batch), 1e-9);
}
INSTANTIATE_TEST_SUITE_P(
    All, FoldedSwitches,
    testing::Values(FoldedCase{"paper"}, FoldedCase{"no_identity", "avg", 4, "asp", false},
                    FoldedCase{"windows_of_3", "avg", 3}, FoldedCase{"windows_of_1", "avg", 1},
                    FoldedCase{"max", "max"}, FoldedCase{"max_of_3", "max", 3, "stats", false},
                    FoldedCase{"none", "none"}, FoldedCase{"none_stats", "none", 4, "stats", false},
                    FoldedCase{"stats", "avg", 4, "stats"},
                    FoldedCase{"half_convolved", "avg", 4, "asp", true, 0.5},
                    FoldedCase{"all_convolved", "avg", 4, "asp", true, 1.0},
                    FoldedCase{"empty_first_stage", "avg", 4, "asp", true, 0.25, "0,1,1,1"},
                    FoldedCase{"empty_other_stages", "avg", 4, "asp", true, 0.25, "1,0,1,0"},
                    FoldedCase{"no_block", "avg", 4, "asp", true, 0.25, "0,0,0,0"}),
    [](const auto& each) { return each.param.name; });

struct PackedSize {
  std::vector<int64_t> lengths;
  int64_t bins;
  int64_t spare;
};
class FoldedSizes : public testing::TestWithParam<PackedSize> {};

// Alone; odd bins, and fewer than a window; each remainder of 8; long ones; free frames at the end.
TEST_P(FoldedSizes, EqualThePlainComposition) {
  const auto& [lengths, bins, spare] = GetParam();
  EXPECT_LT(difference_from_alone(small_config("1,2,1,1"), packed_batch(lengths, bins, spare)),
            1e-9);
}
INSTANTIATE_TEST_SUITE_P(
    All, FoldedSizes,
    testing::Values(PackedSize{{8}, 8, 0}, PackedSize{{197}, 17, 0}, PackedSize{{31, 229}, 23, 0},
                    PackedSize{{8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 65}, 9, 0},
                    PackedSize{{47, 48, 49}, 40, 8}, PackedSize{{301, 8, 8, 8, 300}, 16, 400}),
    [](const auto& each) { return concat("size", each.index); });

TEST(Folded, SinglePrecisionStaysCloseToThePlainComposition) {
  SpcNetConfig config;
  config.channels = 16;
  config.blocks = "1,1,2,1";
  const PackedBatch batch = packed_batch({60, 45, 33}, 40);
  const SpcNet network(config, 40, 1, at::kDouble);
  fill_by_formula(network.tensors());
  const double scale = network.forward(batch.utts[0], {}).abs().max().item<double>();
  EXPECT_LT(difference_from_alone(config, batch, at::kFloat), 1e-5 * scale);
}

class FoldedAlone : public testing::Test {
 protected:
  FoldedAlone() : network_(small_config("1,2,1,1"), 20, 1, at::kDouble) {
    fill_by_formula(network_.tensors());
  }
  SpcNet network_;
};

TEST_F(FoldedAlone, AnEmbeddingDoesNotDependOnWhatStandsBesideIt) {
  const FoldedNet folded(network_);
  PackedBatch batch = packed_batch({37, 50, 23}, 20);
  const at::Tensor before = folded.forward(batch.feats_TF, batch.frames);
  batch.feats_TF.narrow(0, batch.frames.begin(0), 37).fill_(NAN);
  batch.feats_TF.narrow(0, batch.frames.begin(2), 23).mul_(1e3);
  const at::Tensor after = folded.forward(batch.feats_TF, batch.frames);
  EXPECT_TRUE(at::equal(after[1], before[1]));
  EXPECT_TRUE(after[0].isnan().all().item<bool>()) << "what is broken shows";
  EXPECT_FALSE(at::equal(after[2], before[2]));
}

TEST_F(FoldedAlone, OnTheNumberOfThreads) {
  const FoldedNet folded(network_);
  const PackedBatch batch = packed_batch({137, 50, 23}, 20);
  const auto on = [&](int threads) {
    const OnThreads scope(threads);
    return folded.forward(batch.feats_TF, batch.frames);
  };
  const at::Tensor alone = on(1);
  EXPECT_LT(worst_of(on(2), alone), 1e-12);
  EXPECT_LT(worst_of(on(3), alone), 1e-12);
}

TEST_F(FoldedAlone, OrOnWhatHappensToTheNetworkLater) {
  const FoldedNet folded(network_);
  const PackedBatch batch = packed_batch({37, 50, 23}, 20);
  const at::Tensor before = folded.forward(batch.feats_TF, batch.frames);
  for (const NamedTensor& each : network_.tensors()) each.tensor.detach().zero_();
  EXPECT_TRUE(at::equal(folded.forward(batch.feats_TF, batch.frames), before));
}

TEST_F(FoldedAlone, RefusesWhatDoesNotFit) {
  const FoldedNet folded(network_);
  const PackedFrames frames(std::vector<int64_t>{37}, 40);
  EXPECT_THAT(
      message_of([&] {
        (void)folded.forward(at::zeros({40, 21}), frames);
      }),
      testing::HasSubstr("the network was built for 20 mel bins, the features are [40, 21]"));
  EXPECT_THAT(message_of([&] {
                (void)folded.forward(at::zeros({48, 20}), frames);
              }),
              testing::HasSubstr("a packed map of 40 frames, the features are [48, 20]"));
}

class FoldedReference
    : public testing::TestWithParam<std::tuple<const char*, int, const char*, const char*, bool>> {
};

TEST_P(FoldedReference, AgreesWithPyTorch) {
  const auto& [key, bins, pooling, block_pooling, identity] = GetParam();
  SpcNetConfig config = small_config();
  config.pooling = pooling;
  config.block_pooling = block_pooling;
  config.identity = identity;
  const SpcNet network(config, bins, 1, at::kDouble);
  fill_by_formula(network.tensors());
  const std::vector<int64_t> lengths{37, 37, 37};
  const PackedFrames frames(lengths, 3 * PackedFrames::room_for(37));
  const at::Tensor input = formula_input({3, 37, bins});
  at::Tensor feats = at::zeros({frames.total(), bins}, at::kDouble);
  for (size_t i = 0; i < 3; ++i)
    feats.narrow(0, frames.begin(i), 37).copy_(input[static_cast<int64_t>(i)]);
  const std::vector<double> expected = read_reference("spcnet.txt").at(concat(key, "/eval"));
  const at::Tensor actual = FoldedNet(network).forward(feats, frames);
  EXPECT_LT(worst_of(actual.flatten(), at::tensor(expected, at::kDouble)), 1e-9);
}
INSTANTIATE_TEST_SUITE_P(
    Variants, FoldedReference,
    testing::Values(std::make_tuple("asp_avg", 20, "asp", "avg", true),
                    std::make_tuple("asp_avg_plain", 24, "asp", "avg", false),
                    std::make_tuple("asp_max", 20, "asp", "max", true),
                    std::make_tuple("asp_none", 24, "asp", "none", true),
                    std::make_tuple("stats_avg", 20, "stats", "avg", true),
                    std::make_tuple("stats_max_plain", 24, "stats", "max", false),
                    std::make_tuple("stats_none_plain", 20, "stats", "none", false)),
    [](const auto& each) { return std::string(std::get<0>(each.param)); });

}  // namespace
}  // namespace spc
