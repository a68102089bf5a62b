#include "plan/phases.h"

#include <gtest/gtest.h>

#include "unit/plan/small_plan.h"

namespace spc {
namespace {

constexpr double kMap = 24 * 8 * 4;  // bytes of a frame of the small network's first map

TEST(Phases, ExtractionNeedsItsLargestBatchAndItsShare) {
  RankShape shape = small_shape();
  const RankMemory full = extraction_memory(small_config(), {6000, 6000}, shape);
  EXPECT_GT(full.activations, 4 * 6000 * kMap);
  EXPECT_LT(full.activations, 6.5 * 6000 * kMap) << "4.5 maps, rounded up, and the folded network";
  EXPECT_EQ(full.gradients + full.optimizer + full.loader + full.checkpoint, 0);
  shape.utt_frames.assign(100, 30);
  const RankMemory known = extraction_memory(small_config(), {6000, 6000}, shape);
  EXPECT_NEAR(known.activations / full.activations, 100 * 32.0 / 6000, 0.1)
      << "as many as there are";
  RankShape ten = shape;
  ten.ranks = 10;
  const RankMemory shared = extraction_memory(small_config(), {6000, 6000}, ten);
  const double folded = 4 * network_size(small_config(), shape.num_mel_bins, 0).folded;
  EXPECT_NEAR((shared.activations - folded) / (known.activations - folded), 0.1, 0.02);
  EXPECT_EQ(known.embeddings - shared.embeddings, (100 - 10) * 32 * 4);
}

TEST(Phases, EvaluationComesBesideWhatTrainingKeeps) {
  RankShape shape = small_shape();
  shape.eval_utts = 1000;
  const RankMemory training = predict_memory(small_config(), shape);
  const RankMemory evaluation = evaluation_memory(small_config(), shape);
  EXPECT_EQ(evaluation.networks, training.networks);
  EXPECT_EQ(evaluation.optimizer, training.optimizer);
  EXPECT_EQ(evaluation.loader, training.loader);
  EXPECT_EQ(evaluation.checkpoint, training.checkpoint);
  EXPECT_GT(evaluation.activations, 4 * 6000 * kMap);
  EXPECT_GE(evaluation.embeddings, 3 * 1000 * 32 * 4);
}

TEST(Phases, ClusteringGrowsWithRowsClustersAndWhitening) {
  ClusterConfig cluster;
  cluster.num_clusters = 10;
  RankShape shape = small_shape();
  shape.num_utts = 100000;
  const RankMemory one = clustering_memory(small_config(), cluster, shape);
  EXPECT_EQ(one.embeddings, 100000.0 * 32 * 4);
  EXPECT_EQ(one.activations, 0);
  shape.ranks = 2;
  const RankMemory two = clustering_memory(small_config(), cluster, shape);
  EXPECT_EQ(two.embeddings, one.embeddings / 2);
  EXPECT_LT(two.clusters, one.clusters);
  cluster.half_whiten = true;
  EXPECT_EQ(clustering_memory(small_config(), cluster, shape).embeddings, 2 * two.embeddings)
      << "those before and those after, of 32 dimensions both";
  cluster.num_clusters = 10000;
  EXPECT_GT(clustering_memory(small_config(), cluster, shape).clusters, 10000.0 * 32 * 4 * 8);
}

TEST(Phases, OfAGpuHaveTheRowsThere) {
  RankShape shape = small_shape();
  shape.num_utts = 100000;
  const double of_cpu = clustering_memory(small_config(), {}, shape).clusters;
  shape.arithmetic.gpu = true;
  const RankMemory memory = clustering_memory(small_config(), {}, shape);
  EXPECT_EQ(memory.clusters - of_cpu, 100000.0 * 32 * 4);
  EXPECT_EQ(memory.needed(), memory.clusters + memory.context);
}

TEST(ExtractionThatFits, IsHalvedUntilItDoes) {
  const RankShape shape = small_shape();
  const double limit = extraction_memory(small_config(), {1500, 1500}, shape).needed();
  const ExtractConfig fits = extraction_that_fits(small_config(), {6000, 6000}, shape, limit);
  EXPECT_EQ(fits.batch_frames, 1500);
  EXPECT_EQ(fits.max_frames, 1500);
  EXPECT_EQ(extraction_that_fits(small_config(), {6000, 6000}, shape, 1).batch_frames, 0);
}

}  // namespace
}  // namespace spc
