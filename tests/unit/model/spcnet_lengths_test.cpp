#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <tuple>

#include "model/spcnet.h"
#include "unit/model/formula.h"
#include "unit/temporary_folder.h"

namespace spc {
namespace {

// Pooling inside a block, its kernel, pooling over time.
class SpcNetLengths : public testing::TestWithParam<std::tuple<const char*, int, const char*>> {
 protected:
  SpcNetLengths() : network_(config(), kBinsHere, 5, at::kDouble) {
    fill_by_formula(network_.tensors());
  }
  static SpcNetConfig config() {
    SpcNetConfig config;
    config.channels = 8;
    config.blocks = "1,2,1,1";
    std::tie(config.block_pooling, config.reduction, config.pooling) = GetParam();
    return config;
  }
  [[nodiscard]] double worst_difference(const std::vector<int64_t>& lengths, double padding) const {
    const auto rows = static_cast<int64_t>(lengths.size());
    const int64_t longest = *std::max_element(lengths.begin(), lengths.end());
    const at::Tensor content = formula_input({rows, longest, kBinsHere});
    at::Tensor padded = at::full_like(content, padding);
    for (int64_t b = 0; b < rows; ++b) {
      const int64_t frames = lengths[static_cast<size_t>(b)];
      padded[b].narrow(0, 0, frames).copy_(content[b].narrow(0, 0, frames));
    }
    const at::NoGradGuard no_grad;
    const Lengths truth(lengths);
    const at::Tensor together = network_.forward(padded, {}, &truth);
    double worst = 0;
    for (int64_t b = 0; b < rows; ++b) {
      const at::Tensor alone = network_.forward(
          content.narrow(0, b, 1).narrow(1, 0, lengths[static_cast<size_t>(b)]), {});
      worst = std::max(worst, (together[b] - alone[0]).abs().max().item<double>());
    }
    return worst;
  }

  static constexpr int64_t kBinsHere = 20;
  SpcNet network_;
};

TEST_P(SpcNetLengths, PaddingDoesNotChangeAnEmbedding) {
  EXPECT_LT(worst_difference({37, 50, 23, 64}, 0), 1e-9);
  EXPECT_LT(worst_difference({8, 9, 10, 11, 12, 13, 14, 15, 65}, 0), 1e-9);
  EXPECT_LT(worst_difference({16, 16}, 0), 1e-9);
}

TEST_P(SpcNetLengths, NorDoesWhatThePaddingHolds) {
  EXPECT_LT(worst_difference({37, 50, 23, 64}, 1e3), 1e-9);
}

INSTANTIATE_TEST_SUITE_P(
    Variants, SpcNetLengths,
    testing::Values(std::make_tuple("avg", 4, "asp"), std::make_tuple("avg", 3, "stats"),
                    std::make_tuple("max", 4, "asp"), std::make_tuple("max", 3, "stats"),
                    std::make_tuple("none", 4, "asp"), std::make_tuple("none", 4, "stats")),
    [](const auto& each) {
      return concat(std::get<0>(each.param), std::get<1>(each.param), "_", std::get<2>(each.param));
    });

TEST(SpcNetLengths, AreForEvaluationAndMustFitTheBatch) {
  SpcNetConfig config;
  config.channels = 8;
  config.blocks = "1,1,1,1";
  const SpcNet network(config, 20, 1);
  const auto refusal = [&](const std::vector<int64_t>& frames, bool training) {
    const Lengths lengths(frames);
    return message_of([&] {
      (void)network.forward(formula_input({2, 30, 20}).to(at::kFloat), {.training = training},
                            &lengths);
    });
  };
  EXPECT_THAT(refusal({20, 30}, true), testing::HasSubstr("padded batches are for evaluation"));
  for (const std::vector<int64_t>& frames :
       {std::vector<int64_t>{7, 30}, std::vector<int64_t>{30, 31}, std::vector<int64_t>{30}}) {
    EXPECT_THAT(refusal(frames, false),
                testing::HasSubstr("one length of 8 to 30 frames for each of the 2 utterances"));
  }
}

TEST(Lengths, FollowTheLayers) {
  const Lengths lengths({37, 8, 64});
  EXPECT_THAT(lengths.ceil_divided(4).frames(), testing::ElementsAre(10, 2, 16));
  EXPECT_THAT(lengths.floor_divided(2).frames(), testing::ElementsAre(18, 4, 32));
  const at::Tensor map = at::ones({3, 2, 2, 40});
  lengths.clear_tail(map);
  EXPECT_TRUE(
      at::equal(map.sum(at::IntArrayRef({1, 2, 3})), at::tensor({4.0f * 37, 4.0f * 8, 4.0f * 40})));
}

}  // namespace
}  // namespace spc
