// Steps that are recorded once and repeated, as on a GPU: the same bits, and nothing in what is
// recorded that a GPU cannot repeat.
#include <gtest/gtest.h>

#include <limits>

#include "unit/meta_device.h"
#include "unit/train/dino_cases.h"

namespace spc {
namespace {

constexpr int kRanks = 2;
constexpr int kSteps = 7;

// Records as a GPU does: what is repeated writes its results to where the first ones are. It calls
// the work again instead, whose gradients then have to be moved there.
class CalledAgain : public GpuRecording {
 public:
  struct Count {
    int recorded = 0;
    int repeated = 0;
    int64_t bytes = 0;  // sent by the work that is called again
  };
  CalledAgain(std::vector<NamedTensor> parameters, std::shared_ptr<WaitLog> sent, Count& count)
      : parameters_(std::move(parameters)), sent_(std::move(sent)), count_(count) {}

  void record(const std::function<void()>& work) override {
    ++count_.recorded;
    work_ = work;
    work_();
    for (const NamedTensor& each : parameters_) gradients_.push_back(each.tensor.grad());
  }
  void repeat() override {
    if (++count_.repeated == 1) return;  // a GPU has not done it yet; here it is done
    const int64_t before = sent_->bytes();
    work_();
    count_.bytes += sent_->bytes() - before;
    const c10::NoGradGuard no_grad;
    for (size_t i = 0; i < parameters_.size(); ++i) {
      if (gradients_[i].defined()) gradients_[i].copy_(parameters_[i].tensor.grad());
      parameters_[i].tensor.mutable_grad().reset();  // the host has seen nothing of it
    }
  }

 private:
  std::vector<NamedTensor> parameters_;
  std::shared_ptr<WaitLog> sent_;
  Count& count_;
  std::function<void()> work_;
  std::vector<at::Tensor> gradients_;
};

// Notes the bytes of a rank as one does that sends them to another process.
class CountedCommunicator : public ForwardingCommunicator {
 public:
  using ForwardingCommunicator::ForwardingCommunicator;
  std::unique_ptr<Work> all_reduce(const at::Tensor& tensor, ReduceOp op,
                                   const std::string& what) override {
    waits()->add_bytes(tensor.nbytes());
    return ForwardingCommunicator::all_reduce(tensor, op, what);
  }
  [[nodiscard]] std::unique_ptr<Communicator> duplicate() override {
    return std::make_unique<CountedCommunicator>(ForwardingCommunicator::duplicate(), waits());
  }
};

// The prototypes stand still in the step that is recorded, and are let go later.
ScheduleValues values_of(int step) {
  ScheduleValues values = dino_values(step);
  values.freeze_last_layer = step <= Stepper::kStepsBeforeRecording;
  return values;
}

void expect_same(const StepResult& actual, const StepResult& wanted) {
  EXPECT_EQ(actual.finite, wanted.finite);
  EXPECT_EQ(actual.first_nonfinite, wanted.first_nonfinite);
  EXPECT_EQ(actual.grad_norm, wanted.grad_norm);
  EXPECT_EQ(actual.clipped, wanted.clipped);
  if (!wanted.finite) return;
  EXPECT_EQ(actual.loss, wanted.loss);
  EXPECT_EQ(actual.figures, wanted.figures);
}

TEST(RepeatedStep, GivesTheBitsOfStepsThatAreNotRecorded) {
  for (const int ranks : {1, kRanks}) {
    run_thread_ranks(ranks, [&](Communicator& threads) {
      CountedCommunicator comm(threads, std::make_shared<WaitLog>());
      CalledAgain::Count count;
      Learner plain(comm);
      Learner repeating(comm, dino_config(), Precision::kFp64,
                        [&](const Objective& objective, StepOptions& options) {
                          options.reducer.in_stream = true;
                          options.make_recording = [&] {
                            return std::make_unique<CalledAgain>(objective.parameters(),
                                                                 comm.waits(), count);
                          };
                        });
      const auto sent_by = [&](Learner& learner, const Batch& batch, int step, StepResult& result) {
        count.bytes = 0;
        const int64_t before = comm.waits()->bytes();
        result = learner.run(batch, values_of(step));
        return comm.waits()->bytes() - before - count.bytes;
      };
      for (int step = 0; step < kSteps; ++step) {
        Batch batch = plain.batch(step);
        if (step == 5 && comm.rank() == ranks - 1)
          batch.local[3] = std::numeric_limits<float>::infinity();
        StepResult wanted;
        StepResult actual;
        const int64_t sent = sent_by(plain, batch, step, wanted);
        EXPECT_EQ(sent_by(repeating, batch, step, actual), sent) << "in step " << step;
        EXPECT_GT(sent, 0);
        EXPECT_EQ(wanted.finite, step != 5);
        expect_same(actual, wanted);
        EXPECT_EQ(Snapshot(plain.objective().state()).distance(repeating.objective().state()), 0)
            << "after step " << step;
      }
      EXPECT_EQ(count.recorded, 1);
      EXPECT_EQ(count.repeated, kSteps - Stepper::kStepsBeforeRecording);
    });
  }
}

TEST(RepeatedStep, ReadsWhereTheRecordedOneRead) {
  const auto comm = make_solo_communicator();
  DinoObjective objective(dino_config(), kDinoBins, Precision::kFp64, c10::kCPU, *comm);
  const Batch batch = dino_batch(dino_config(), 0, 0, 4);
  objective.load(batch, {0, 4}, dino_values(0));
  const std::vector<at::Tensor> inputs = objective.inputs();
  ASSERT_EQ(inputs.size(), 3U);
  std::vector<const void*> places;
  for (const at::Tensor& each : inputs) places.push_back(each.const_data_ptr());
  objective.load(dino_batch(dino_config(), 1, 0, 4), {0, 4}, dino_values(1));
  for (size_t i = 0; i < inputs.size(); ++i) {
    EXPECT_TRUE(objective.inputs()[i].is_same(inputs[i])) << i;
    EXPECT_EQ(inputs[i].const_data_ptr(), places[i]) << i;
  }
  EXPECT_EQ(inputs[1].item<double>(), dino_values(1).teacher_temp);
  EXPECT_EQ(inputs[0].view(-1)[7].item<double>(), dino_batch(dino_config(), 1, 0, 4).global[7]);
}

// A batch of another size would lie elsewhere.
TEST(RepeatedStep, RefusesABatchOfAnotherSize) {
  const auto comm = make_solo_communicator();
  CalledAgain::Count count;
  Learner learner(*comm, dino_config(), Precision::kFp64,
                  [&](const Objective& objective, StepOptions& options) {
                    options.make_recording = [&] {
                      return std::make_unique<CalledAgain>(objective.parameters(), comm->waits(),
                                                           count);
                    };
                  });
  for (int step = 0; step <= Stepper::kStepsBeforeRecording; ++step) learner.run(step);
  const Batch smaller = dino_batch(dino_config(), 4, 0, 3);
  EXPECT_THROW((void)learner.run(smaller, values_of(4)), Error);
}

TEST(StepOptions, OnAGpuBucketsAreGivenToItAndStepsRecordedIfAsked) {
  RunConfig config = dino_config();
  config.train.cuda_graphs = true;
  const c10::Device gpu(c10::kCUDA, 0);
  EXPECT_FALSE(step_options(config, c10::kCPU).reducer.in_stream);
  EXPECT_FALSE(step_options(config, c10::kCPU).make_recording);
  EXPECT_TRUE(step_options(config, gpu).reducer.in_stream);
  EXPECT_TRUE(step_options(config, gpu).make_recording);
  config.train.cuda_graphs = false;
  EXPECT_FALSE(step_options(config, gpu).make_recording);
  config.dist.wire = "bf16";
  EXPECT_FALSE(step_options(config, gpu).reducer.in_stream);
  EXPECT_TRUE(step_options(config, gpu).reducer.bf16_wire);
}

TEST(TrainConfig, FusesOnACpuUnlessToldOtherwise) {
  TrainConfig config;
  const c10::Device gpu(c10::kCUDA, 0);
  EXPECT_TRUE(config.fuses(false));
  EXPECT_FALSE(config.fuses(true));
  EXPECT_EQ(target_format(config, Precision::kBf16, c10::kCPU).type, at::kBFloat16);
  EXPECT_EQ(target_format(config, Precision::kFp32, c10::kCPU).type, at::kFloat);
  EXPECT_TRUE(target_format(config, Precision::kFp32, c10::kCPU).fused);
  EXPECT_FALSE(target_format(config, Precision::kBf16, gpu).fused);
  EXPECT_EQ(target_format(config, Precision::kBf16, gpu).type, at::kFloat);
  config.kernels = "plain";
  EXPECT_FALSE(config.fuses(false));
  EXPECT_FALSE(target_format(config, Precision::kBf16, c10::kCPU).fused);
  config.kernels = "fused";
  EXPECT_TRUE(config.fuses(true));
}

TEST(RepeatedStep, IsOneMicroBatchWhoseGradientsTravelAsTheyAre) {
  const auto comm = make_solo_communicator();
  const auto learner_with = [&](int64_t accumulate, bool bf16_wire) {
    Learner(*comm, dino_config(), Precision::kFp64, [&](const Objective&, StepOptions& options) {
      options.accumulate = accumulate;
      options.reducer.bf16_wire = bf16_wire;
      options.make_recording = [] { return nullptr; };
    });
  };
  EXPECT_NO_THROW(learner_with(1, false));
  EXPECT_THROW(learner_with(2, false), Error);
  EXPECT_THROW(learner_with(1, true), Error);
}

// On a GPU this would end the recording.
TEST(RepeatedStep, NothingInForwardAndBackwardAsksForANumber) {
  const auto solo = make_solo_communicator();
  MuteCommunicator two(*solo);
  for (Communicator* comm : {solo.get(), static_cast<Communicator*>(&two)})
    for (const std::string kernels : {"plain", "fused"}) {
      SCOPED_TRACE(concat(kernels, ", ", comm->world_size(), " ranks"));
      RunConfig config = dino_config();
      config.train.kernels = kernels;
      DinoObjective objective(config, kDinoBins, Precision::kFp32, c10::kMeta, *comm);
      ASSERT_TRUE(objective.repeatable());
      const Batch batch = dino_batch(config, 0, 0, 4);
      for (int step = 0; step < 2; ++step) {
        objective.load(batch, {0, 4}, dino_values(step));
        const at::Tensor loss = objective.loss();
        EXPECT_TRUE(loss.is_meta());
        loss.backward();
      }
      for (const NamedTensor& each : objective.parameters()) {
        const bool in_front_of_a_norm = kernels == "fused" && each.name.ends_with(".bias");
        EXPECT_TRUE(each.tensor.grad().defined() || in_front_of_a_norm) << each.name;
      }
      EXPECT_ANY_THROW((void)objective.figures()) << "these are numbers";
    }
}

}  // namespace
}  // namespace spc
