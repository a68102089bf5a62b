#include "plan/memory.h"

#include <gtest/gtest.h>

#include "model/dino_head.h"
#include "model/spcnet.h"
#include "unit/plan/small_plan.h"

namespace spc {
namespace {

TEST(JemallocSize, IsTheClassesOfItsManual) {
  EXPECT_EQ(jemalloc_size(16 << 10), 16 << 10);
  EXPECT_EQ(jemalloc_size((16 << 10) + 1), 20 << 10);
  EXPECT_EQ(jemalloc_size(33 << 10), 40 << 10);
  EXPECT_EQ(jemalloc_size((3.5 * (1 << 20)) + 1), 4 << 20);
}

TEST(MemoryTape, RemembersTheFullestMoment) {
  MemoryTape tape(false);
  tape.hold(10);
  tape.brief(30, 2);
  tape.hold(50);
  EXPECT_EQ(tape.peak(), 70);
  tape.hold(20);
  EXPECT_EQ(tape.peak(), 80);
}

TEST(NetworkSize, IsThatOfTheNetworks) {
  const RunConfig config = small_config();
  const NetworkSize size = network_size(config, 24, 7);
  const SpcNet backbone(config.model, 24, 1);
  const DinoHead head(config.head, config.model.embedding_dim, 1);
  EXPECT_EQ(size.backbone, num_parameters(backbone.tensors()));
  EXPECT_EQ(size.head + size.last, num_parameters(head.tensors()));
  double running = 0;
  for (const TensorTable& table : {backbone.tensors(), head.tensors()})
    for (const NamedTensor& each : table)
      if (!each.trainable) running += static_cast<double>(each.tensor.numel());
  EXPECT_EQ(size.running, running);
}

TEST(Memory, GrowsWithTheMicroBatchAndNotWithTheBatch) {
  RunConfig config = small_config();
  const double eight = predict_memory(config, small_shape()).activations;
  config.train.batch_size = 16;
  const double sixteen = predict_memory(config, small_shape()).activations;
  EXPECT_NEAR(sixteen / eight, 2, 0.1);
  config.train.accumulate = 2;
  EXPECT_EQ(predict_memory(config, small_shape()).activations, eight);
  config.train.accumulate = 1;
  EXPECT_EQ(predict_memory(config, small_shape(2)).activations, eight) << "half the rows each";
}

TEST(Memory, OfBf16IsHalfInActivationsAndMoreInNetworks) {
  RankShape narrow = small_shape();
  narrow.arithmetic.element = 2;
  const RankMemory wide = predict_memory(small_config(), small_shape());
  const RankMemory half = predict_memory(small_config(), narrow);
  EXPECT_NEAR(half.activations / wide.activations, 0.5, 0.12);
  EXPECT_GT(half.networks, wide.networks);
}

TEST(Memory, OfAGpuIsApartFromTheMachines) {
  RankShape shape = small_shape(2);
  shape.arithmetic.gpu = true;
  const RankMemory memory = predict_memory(small_config(), shape);
  EXPECT_EQ(memory.needed(), memory.on_gpu());
  EXPECT_GT(memory.context, 0);
  const RankMemory of_cpu = predict_memory(small_config(), small_shape(2));
  EXPECT_EQ(of_cpu.context, 0);
  EXPECT_EQ(of_cpu.needed(), of_cpu.on_gpu() + of_cpu.on_machine());
}

TEST(Memory, OfFusedBlocksIsLessThanOfPlainOnesOnAGpuToo) {
  RunConfig config = small_config();
  RankShape shape = small_shape();
  shape.arithmetic.gpu = true;
  const auto activations = [&](const std::string& kernels) {
    config.train.kernels = kernels;
    return predict_memory(config, shape).activations;
  };
  EXPECT_LT(activations("fused"), activations("plain"));
  EXPECT_EQ(activations("auto"), activations("plain"));
  shape.arithmetic.gpu = false;
  EXPECT_EQ(activations("auto"), activations("fused"));
}

TEST(Memory, LabelsNeedTheirClassesAndAdamWTwoMoments) {
  RunConfig config = small_config();
  config.train.objective = "pseudo_label";
  config.views.num_global = 1;
  config.views.num_local = 0;
  RankShape shape = small_shape();
  const RankMemory few = predict_memory(config, shape);
  shape.num_classes = 1007;
  const RankMemory many = predict_memory(config, shape);
  EXPECT_EQ(many.networks - few.networks, 1000.0 * 32 * 4);
  EXPECT_GT(many.activations, few.activations);
  config.optim.type = "adamw";
  EXPECT_EQ(predict_memory(config, shape).optimizer, 2 * many.optimizer);
}

TEST(AccumulateThatFits, IsTheSmallest) {
  RunConfig config = small_config();
  const auto needed_with = [&](int64_t accumulate) {
    config.train.accumulate = accumulate;
    return predict_memory(config, small_shape()).needed();
  };
  const double limit = needed_with(4);
  ASSERT_GT(needed_with(2), limit);
  config.train.accumulate = 1;
  EXPECT_EQ(accumulate_that_fits(config, small_shape(), limit), 4);
  EXPECT_EQ(accumulate_that_fits(config, small_shape(), needed_with(8) - 1), 0);
}

TEST(RowsToTry, AreThoseOfAMicroBatchOrFewer) {
  RunConfig config = small_config();
  config.train.accumulate = 2;
  EXPECT_EQ(rows_to_try(config, small_shape(), 1e12), 4);
  EXPECT_EQ(rows_to_try(config, small_shape(2), 1e12), 2);
  EXPECT_EQ(rows_to_try(config, small_shape(), 1), 1);
}

}  // namespace
}  // namespace spc
