#include "eval/scoring.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/random.h"
#include "unit/temporary_folder.h"

namespace spc {
namespace {

const std::vector<std::string> kThreeUtts{"a", "b", "c"};

TEST(CosineScores, MatchHandComputedValues) {
  const std::vector<float> embeddings{3, 4, 4, 3, -6, -8};
  const Trials trials{{0, 0, 1, 2}, {1, 2, 1, 1}, {1, 0, 1, 0}};
  const auto scores = cosine_scores(embeddings, 2, kThreeUtts, trials);
  ASSERT_EQ(scores.size(), 4u);
  EXPECT_NEAR(scores[0], 0.96, 1e-15);
  EXPECT_NEAR(scores[1], -1, 1e-15);
  EXPECT_NEAR(scores[2], 1, 1e-15);
  EXPECT_NEAR(scores[3], -0.96, 1e-15);
}

TEST(CosineScores, MeanIsSubtractedFirst) {
  const std::vector<float> embeddings{3, 1, 1, 2, 2, 3};
  const Trials trials{{0, 0}, {1, 2}, {1, 0}};
  const std::vector<double> mean = mean_embedding(embeddings, 2);
  EXPECT_EQ(mean, (std::vector<double>{2, 2}));
  const auto scores = cosine_scores(embeddings, 2, kThreeUtts, trials, {mean, {}});
  EXPECT_NEAR(scores[0], -std::sqrt(0.5), 1e-15);  // (1, -1) and (-1, 0)
  EXPECT_NEAR(scores[1], -std::sqrt(0.5), 1e-15);  // (1, -1) and (0, 1)
}

TEST(CosineScores, AProjectionIsOfWhatIsLeftOfUnitEmbeddings) {
  const std::vector<float> embeddings{3, 4, 8, 6, 5, 0};
  const BackEnd back_end{{0.2, 0.2}, {1, 0, 2, 0, 5, -1}};  // 2 x 3
  const auto scores = cosine_scores(embeddings, 2, kThreeUtts, {{0}, {1}, {1}}, back_end);
  // (.6, .8) and (.8, .6) less (.2, .2) are (.4, .6) and (.6, .4); projected (.4, 3, .2) and
  // (.6, 2, .8).
  EXPECT_NEAR(scores[0], 6.4 / std::sqrt((0.16 + 9 + 0.04) * (0.36 + 4 + 0.64)), 1e-7);
}

TEST(CosineScores, EveryDimensionCounts) {
  // The sums run in lanes of eight, so dimensions around multiples of eight are the interesting
  // ones.
  for (size_t dim = 1; dim <= 33; ++dim) {
    Random random(5, {dim});
    std::vector<float> embeddings(2 * dim);
    for (float& each : embeddings) each = static_cast<float>(random.normal());
    long double ab = 0, aa = 0, bb = 0;
    for (size_t i = 0; i < dim; ++i) {
      const long double a = embeddings[i], b = embeddings[dim + i];
      ab += a * b;
      aa += a * a;
      bb += b * b;
    }
    const auto score = cosine_scores(embeddings, dim, {"a", "b"}, {{0}, {1}, {1}});
    EXPECT_NEAR(score[0], static_cast<double>(ab / std::sqrt(aa * bb)), 1e-14) << dim;
  }
}

TEST(CosineScores, ScaleOfEmbeddingsAndOrderOfSidesDoNotMatter) {
  const std::vector<float> embeddings{0.3f, 0.1f, -0.7f, 0.2f, 0.9f, 0.4f};
  std::vector<float> scaled = embeddings;
  for (size_t i = 3; i < 6; ++i) scaled[i] *= 0x1p-100f;
  const std::vector<std::string> utts{"a", "b"};
  const auto score = cosine_scores(embeddings, 3, utts, {{0}, {1}, {1}});
  EXPECT_EQ(cosine_scores(scaled, 3, utts, {{0}, {1}, {1}}), score);
  EXPECT_EQ(cosine_scores(embeddings, 3, utts, {{1}, {0}, {1}}), score);
}

TEST(CosineScores, NotFiniteEmbeddingIsAnErrorThatNamesTheUtterance) {
  const Trials trials{{0}, {1}, {1}};
  std::vector<float> embeddings{1, 2, 3, std::numeric_limits<float>::quiet_NaN(), 5, 6};
  EXPECT_EQ(message_of([&] { cosine_scores(embeddings, 2, kThreeUtts, trials); }),
            "the embedding of utterance 'b' has the value nan at 1; extract it again, from a model "
            "whose loss was finite");
  embeddings[3] = -std::numeric_limits<float>::infinity();
  EXPECT_EQ(message_of([&] { cosine_scores(embeddings, 2, kThreeUtts, trials); }),
            "the embedding of utterance 'b' has the value -inf at 1; extract it again, from a "
            "model whose loss was finite");
}

TEST(CosineScores, ZeroEmbeddingIsAnErrorThatNamesTheUtterance) {
  const Trials trials{{0}, {1}, {1}};
  EXPECT_EQ(message_of([&] {
              cosine_scores(std::vector<float>{0, 0, 3, 4, 5, 6}, 2, kThreeUtts, trials);
            }),
            "the embedding of utterance 'a' is zero, so it has no cosine; extract it again, or "
            "leave out its trials");
  EXPECT_EQ(
      message_of([&] {
        cosine_scores(std::vector<float>{1, 2, 3, 4, 5, 6}, 2, kThreeUtts, trials, {{3, 4}, {}});
      }),
      "the embedding of utterance 'b' is the mean embedding itself, so it has no cosine; "
      "extract it again, or leave out its trials");
}

TEST(CosineScores, EmbeddingWithoutTrialMayBeBroken) {
  const std::vector<float> embeddings{1, 0, 0, 1, std::numeric_limits<float>::quiet_NaN(), 0};
  EXPECT_EQ(cosine_scores(embeddings, 2, kThreeUtts, {{0}, {1}, {1}}), std::vector<double>{0});
}

TEST(MeanEmbedding, NotFiniteValueIsAnErrorThatNamesTheRow) {
  const std::vector<float> embeddings{1, 2, std::numeric_limits<float>::infinity(), 4};
  EXPECT_EQ(message_of([&] { mean_embedding(embeddings, 2); }),
            "the embedding in row 1 has the value inf at 0; extract it again, from a model whose "
            "loss was finite");
  EXPECT_EQ(message_of([&] { mean_embedding({}, 2); }), "no embeddings, so they have no mean");
}

}  // namespace
}  // namespace spc
