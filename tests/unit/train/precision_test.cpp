#include "train/precision.h"

#include <ATen/ATen.h>
#include <ATen/autocast_mode.h>
#include <gtest/gtest.h>

#include "base/file.h"
#include "dist/thread_communicator.h"
#include "unit/forwarding_communicator.h"
#include "unit/temporary_folder.h"

namespace spc {
namespace {

TEST(Precision, IsParsedAndPrinted) {
  for (const Precision precision : {Precision::kFp32, Precision::kBf16, Precision::kFp64}) {
    EXPECT_EQ(parse_precision(to_text(precision)), precision);
  }
  EXPECT_EQ(to_text(Precision::kBf16), "bf16");
  EXPECT_EQ(message_of<UsageError>([] { (void)parse_precision("fp16"); }),
            "precision fp16, must be fp32, bf16 or fp64");
  EXPECT_EQ(storage_type(Precision::kFp32), at::kFloat);
  EXPECT_EQ(storage_type(Precision::kBf16), at::kFloat) << "weights stay in single precision";
  EXPECT_EQ(storage_type(Precision::kFp64), at::kDouble);
}

// A communicator whose other ranks have processors without bf16.
class OldPeers : public ForwardingCommunicator {
 public:
  using ForwardingCommunicator::ForwardingCommunicator;
  std::unique_ptr<Work> all_reduce(const at::Tensor& tensor, ReduceOp op,
                                   const std::string& what) override {
    EXPECT_EQ(op, ReduceOp::kMin);
    at::Tensor values = tensor;
    values.clamp_max_(0);
    return ForwardingCommunicator::all_reduce(tensor, op, what);
  }
};

TEST(Precision, AutoIsWhatTheProcessorsOfAllRanksHave) {
  bool has_bf16 = false;
  for (const std::string& line : read_lines("/proc/cpuinfo"))
    has_bf16 = has_bf16 || line.find("avx512_bf16") != std::string::npos;
  run_thread_ranks(2, [&](Communicator& comm) {
    EXPECT_EQ(resolve_precision("auto", c10::kCPU, comm),
              has_bf16 ? Precision::kBf16 : Precision::kFp32);
    EXPECT_EQ(resolve_precision("fp32", c10::kCPU, comm), Precision::kFp32);
    EXPECT_EQ(resolve_precision("bf16", c10::kCPU, comm), Precision::kBf16);
    EXPECT_EQ(resolve_precision("fp64", c10::kCPU, comm), Precision::kFp64);
    EXPECT_THROW((void)resolve_precision("half", c10::kCPU, comm), UsageError);
  });
  const std::unique_ptr<Communicator> alone = make_solo_communicator();
  OldPeers peers(*alone);
  EXPECT_EQ(resolve_precision("auto", c10::kCPU, peers), Precision::kFp32);
}

TEST(AutocastScope, ComputesInBf16OnlyWhileItLivesAndOnlyWhenAsked) {
  const at::Tensor x = at::ones({2, 3});
  const at::Tensor weight = at::ones({4, 3}).set_requires_grad(true);
  {
    const AutocastScope scope(Precision::kBf16, c10::kCPU);
    EXPECT_EQ(at::linear(x, weight).scalar_type(), at::kBFloat16);
    {
      const AutocastScope inner(Precision::kBf16, c10::kCPU);
      EXPECT_EQ(at::linear(x, weight).scalar_type(), at::kBFloat16);
    }
    EXPECT_EQ(at::linear(x, weight).scalar_type(), at::kBFloat16)
        << "the end of an inner scope is not the end of this one";
  }
  EXPECT_EQ(at::linear(x, weight).scalar_type(), at::kFloat);
  const AutocastScope scope(Precision::kFp32, c10::kCPU);
  EXPECT_EQ(at::linear(x, weight).scalar_type(), at::kFloat);
}

TEST(AutocastScope, TheNextOneSeesTheWeightsAsTheyAreThen) {
  const at::Tensor x = at::ones({1, 1});
  at::Tensor weight = at::ones({1, 1}).set_requires_grad(true);
  const auto product = [&] {
    const AutocastScope scope(Precision::kBf16, c10::kCPU);
    return at::linear(x, weight).item<double>();
  };
  EXPECT_EQ(product(), 1);
  {
    const at::NoGradGuard no_grad;
    weight.fill_(2);
  }
  EXPECT_EQ(product(), 2);
}

}  // namespace
}  // namespace spc
