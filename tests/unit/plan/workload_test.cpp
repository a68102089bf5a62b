#include "plan/workload.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <atomic>

#include "dist/thread_communicator.h"
#include "model/spcnet_summary.h"
#include "train/trial_steps.h"
#include "unit/forwarding_communicator.h"
#include "unit/plan/small_plan.h"

namespace spc {
namespace {

struct Sent {
  std::atomic<int64_t> norm_messages = 0;
  std::atomic<int64_t> norm_bytes = 0;
  std::atomic<int64_t> gradient_bytes = 0;
};

// Writes down what a rank sends, over all communicators that are made from this one.
class CountingCommunicator : public ForwardingCommunicator {
 public:
  CountingCommunicator(Communicator& comm, Sent& sent)
      : ForwardingCommunicator(comm), sent_(sent) {}
  CountingCommunicator(std::unique_ptr<Communicator> comm, Sent& sent)
      : ForwardingCommunicator(std::move(comm)), sent_(sent) {}

  std::unique_ptr<Work> all_reduce(const at::Tensor& tensor, ReduceOp op,
                                   const std::string& what) override {
    const auto bytes = static_cast<int64_t>(tensor.nbytes());
    if (what.starts_with("batch norm")) {
      ++sent_.norm_messages;
      sent_.norm_bytes += bytes;
    }
    if (what.starts_with("gradient bucket")) sent_.gradient_bytes += bytes;
    return ForwardingCommunicator::all_reduce(tensor, op, what);
  }
  [[nodiscard]] std::unique_ptr<Communicator> duplicate() override {
    return std::make_unique<CountingCommunicator>(ForwardingCommunicator::duplicate(), sent_);
  }

 private:
  Sent& sent_;
};

void expect_what_a_step_sends(const RunConfig& config) {
  constexpr int64_t kTrialSteps = 4;
  const RankShape shape = small_shape(2);
  Sent sent;
  run_thread_ranks(2, [&](Communicator& comm) {
    Sent of_the_other;
    CountingCommunicator counting(comm, comm.rank() == 0 ? sent : of_the_other);
    EXPECT_GT(seconds_of_trial_step(config, {4, shape.num_mel_bins, shape.num_classes}, c10::kCPU,
                                    counting),
              0);
  });
  const StepWork work = step_work(config, shape, 4);
  EXPECT_EQ(sent.norm_messages, kTrialSteps * work.messages);
  EXPECT_EQ(static_cast<double>(sent.norm_bytes), kTrialSteps * work.statistics_bytes);
  EXPECT_EQ(static_cast<double>(sent.gradient_bytes), kTrialSteps * work.gradient_bytes);
}

RunConfig label_config() {
  RunConfig config = small_config();
  config.train.objective = "pseudo_label";
  config.views.num_global = 1;
  config.views.num_local = 0;
  config.label_correction.type = "fix";
  return config;
}

TEST(StepWork, IsWhatARealStepSends) {
  expect_what_a_step_sends(small_config());
  RunConfig global_alone = small_config();
  global_alone.views.num_local = 0;
  expect_what_a_step_sends(global_alone);
  expect_what_a_step_sends(label_config());
  RunConfig plain = small_config();
  plain.train.kernels = "plain";
  expect_what_a_step_sends(plain);
}

TEST(StepWork, CountsForwardOnceAndBackwardTwice) {
  const RunConfig config = small_config();
  const RankShape shape = small_shape();
  const NetworkSize size = network_size(config, shape.num_mel_bins, 0);
  const auto multiply_adds = [&](int64_t frames) {
    double sum = size.head + size.last;
    for (const LayerSummary& layer : summarize(config.model, shape.num_mel_bins, frames))
      sum += static_cast<double>(layer.multiply_adds);
    return sum;
  };
  const double global = 3 * 2 * multiply_adds(40);
  const double local = 3 * 2 * multiply_adds(24);
  const StepWork work = step_work(config, shape, 3);
  EXPECT_DOUBLE_EQ(work.operations, 2 * (3 * (global + local) + global)) << "the teacher sees two";
  EXPECT_DOUBLE_EQ(work.backward, 2 * 2 * (global + local));
}

TEST(StepWork, SendsNothingAloneAndHalfAsBf16) {
  EXPECT_EQ(step_work(small_config(), small_shape(), 8).messages, 0);
  EXPECT_EQ(ring_bytes(100, 1), 0);
  EXPECT_EQ(ring_bytes(100, 4), 150);
  RunConfig config = small_config();
  const double wide = step_work(config, small_shape(2), 4).gradient_bytes;
  config.dist.wire = "bf16";
  EXPECT_EQ(step_work(config, small_shape(2), 4).gradient_bytes, wide / 2);
  config.train.sync_bn = false;
  EXPECT_EQ(step_work(config, small_shape(2), 4).statistics_bytes, 0);
}

TEST(StepWork, ReadsAnUtteranceOnceAndWhatIsMixedIn) {
  RunConfig config = small_config();
  const double once = 3 * 300.0 * 24 * 2;
  EXPECT_EQ(step_work(config, small_shape(), 3).feature_bytes, once);
  config.augment.speech_prob = 0.25;
  EXPECT_EQ(step_work(config, small_shape(), 3).feature_bytes, once * 2) << "in one of four views";
}

TEST(Clustering, IsProductsWithCentroidsAndCandidates) {
  ClusterConfig config;
  config.num_clusters = 10;
  config.max_passes = 5;
  config.seeding = "random";
  EXPECT_EQ(clustering_operations(config, 100, 32), 2.0 * 100 * 32 * 10 * 5);
  config.half_whiten = true;
  config.pca_dim = 16;
  EXPECT_EQ(clustering_operations(config, 100, 32), 100.0 * 32 * 10 * 5);
  config.seeding = "kmeans++";
  EXPECT_GT(clustering_operations(config, 100, 32), 100.0 * 32 * 10 * 5);
}

}  // namespace
}  // namespace spc
