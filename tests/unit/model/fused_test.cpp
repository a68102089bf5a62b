#include <ATen/ATen.h>
#include <ATen/autocast_mode.h>
#include <gtest/gtest.h>

#include <map>
#include <mutex>
#include <string>

#include "dist/thread_communicator.h"
#include "model/channels_last.h"
#include "model/spcnet.h"
#include "unit/model/formula.h"
#include "unit/threads.h"

namespace spc {
namespace {

// The fused passes against the plain composition; that both agree with PyTorch is in
// spcnet_reference_test.cpp.
struct Pass {
  at::Tensor y;
  at::Tensor dx;
  std::map<std::string, at::Tensor> others;  // gradients and running statistics
};

Pass run(const SpcNetConfig& config, const at::Tensor& feats, const ForwardMode& mode,
         const at::Tensor& dy = {}) {
  const SpcNet network(config, feats.size(2), 1, feats.scalar_type());
  fill_by_formula(network.tensors());
  const at::Tensor x = feats.detach().clone().set_requires_grad(true);
  const at::Tensor y = network.forward(x, mode);
  y.backward(dy.defined() ? dy : at::cos(0.3 * at::arange(y.numel(), y.options())).view(y.sizes()));
  Pass pass{y.detach(), x.grad(), {}};
  for (const NamedTensor& each : network.tensors())
    pass.others[each.name] = each.trainable ? each.tensor.grad() : each.tensor;
  return pass;
}

// The largest difference beside the larger of both, or beside 1e-3: what should be zero is noise.
double distance(const at::Tensor& a, const at::Tensor& b) {
  const double scale = std::max(a.abs().max().item<double>(), b.abs().max().item<double>());
  return (a.to(at::kDouble) - b.to(at::kDouble)).abs().max().item<double>() / std::max(scale, 1e-3);
}

void expect_near(const Pass& actual, const Pass& expected, double tolerance) {
  EXPECT_LT(distance(actual.y, expected.y), tolerance);
  EXPECT_LT(distance(actual.dx, expected.dx), tolerance);
  for (const auto& [name, tensor] : expected.others)
    EXPECT_LT(distance(actual.others.at(name), tensor), tolerance) << name;
}

TEST(ChannelsLast, SomeChannelsOfAMapAreCutOutOfIt) {
  const std::vector<std::vector<int64_t>> shapes{
      {3, 8, 5, 7}, {1, 8, 5, 7}, {3, 8, 1, 7}, {3, 8, 5, 1}, {1, 8, 1, 1}};
  for (const std::vector<int64_t>& shape : shapes) {
    for (const at::ScalarType type : {at::kBFloat16, at::kFloat, at::kDouble}) {
      const at::Tensor map = channels_last(formula_input(shape).to(type));
      for (const at::Tensor& part : {map.narrow(1, 2, 3), map.narrow(1, 0, 1), map.narrow(3, 0, 1),
                                     map.transpose(2, 3), map}) {
        const at::Tensor cut = channels_last(part);
        EXPECT_TRUE(at::equal(cut, part)) << part.sizes();
        EXPECT_TRUE(cut.is_contiguous(at::MemoryFormat::ChannelsLast));
      }
    }
  }
}

struct Size {
  int64_t rows;
  int64_t frames;
  int64_t bins;
};
class FusedSizes : public testing::TestWithParam<Size> {};

// One utterance; odd bins and frames; a map
// smaller than a window.
TEST_P(FusedSizes, EqualThePlainComposition) {
  const auto [rows, frames, bins] = GetParam();
  const at::Tensor feats = formula_input({rows, frames, bins});
  expect_near(run(small_config("2,1,1,2"), feats, kFused),
              run(small_config("2,1,1,2"), feats, kPlain), 1e-9);
}
INSTANTIATE_TEST_SUITE_P(Sizes, FusedSizes,
                         testing::Values(Size{1, 40, 24}, Size{2, 197, 17}, Size{1, 229, 23},
                                         Size{3, 31, 9}, Size{2, 8, 16}, Size{5, 57, 40}),
                         [](const auto& each) {
                           return std::to_string(each.param.rows) + "x" +
                                  std::to_string(each.param.frames) + "x" +
                                  std::to_string(each.param.bins);
                         });

TEST(Fused, StagesWithoutABlockEqualThePlainComposition) {
  const at::Tensor feats = formula_input({2, 37, 20});
  for (const std::string blocks : {"0,1,0,1", "1,0,1,0", "0,0,0,0"}) {
    SCOPED_TRACE(blocks);
    expect_near(run(small_config(blocks), feats, kFused), run(small_config(blocks), feats, kPlain),
                1e-9);
  }
}

TEST(Fused, EveryPartialWidthEqualsThePlainComposition) {
  const at::Tensor feats = formula_input({2, 37, 20});
  for (const double ratio :
       {0.01, 0.3, 1.0}) {  // of 4 channels: 1, 1, all, so that no others are left
    SCOPED_TRACE(ratio);
    SpcNetConfig config = small_config();
    config.pconv_ratio = ratio;
    expect_near(run(config, feats, kFused), run(config, feats, kPlain), 1e-9);
  }
}

// Along a direction in which the input and every parameter move. At 198 and 230 frames LibTorch's
// own up-sampling has a gradient in double that is not that of its forward pass.
class FusedGradient : public testing::TestWithParam<std::tuple<const char*, bool, int64_t>> {};
TEST_P(FusedGradient, IsTheSlopeOfTheForwardPass) {
  const auto& [pooling, identity, frames] = GetParam();
  SpcNetConfig config = small_config();
  config.block_pooling = pooling;
  config.identity = identity;
  const at::Tensor feats = formula_input({2, frames, 19});
  const SpcNet network(config, 19, 1, at::kDouble);
  fill_by_formula(network.tensors());
  const at::Tensor x = feats.clone().set_requires_grad(true);
  const at::Tensor y = network.forward(x, kFused);
  const at::Tensor dy = at::cos(0.3 * at::arange(y.numel(), at::kDouble)).view(y.sizes());
  y.backward(dy);
  std::vector<at::Tensor> moved{x};
  for (const NamedTensor& each : trainable(network.tensors())) moved.push_back(each.tensor);
  std::vector<at::Tensor> directions;
  double slope = 0;
  for (const at::Tensor& tensor : moved) {
    directions.push_back(
        at::sin(1.1 * at::arange(tensor.numel(), at::kDouble)).view(tensor.sizes()));
    slope += (tensor.grad() * directions.back()).sum().item<double>();
  }
  const at::NoGradGuard no_grad;
  const auto at_distance = [&](double h) {
    for (size_t i = 0; i < moved.size(); ++i) moved[i].add_(directions[i], h);
    const double value = (network.forward(x, kFused) * dy).sum().item<double>();
    for (size_t i = 0; i < moved.size(); ++i) moved[i].sub_(directions[i], h);
    return value;
  };
  constexpr double kStep = 1e-8;
  const double measured = (at_distance(kStep) - at_distance(-kStep)) / (2 * kStep);
  EXPECT_NEAR(measured, slope, 1e-4 * std::max(1.0, std::abs(slope)));
}
INSTANTIATE_TEST_SUITE_P(Switches, FusedGradient,
                         testing::Values(std::tuple{"avg", true, 37}, std::tuple{"avg", false, 37},
                                         std::tuple{"max", true, 37}, std::tuple{"none", true, 37},
                                         std::tuple{"none", false, 21},
                                         std::tuple{"avg", true, 198},
                                         std::tuple{"avg", true, 230}));

TEST(Fused, SinglePrecisionIsCloseToDouble) {
  const at::Tensor feats = formula_input({3, 64, 24});
  const Pass exact = run(small_config(), feats, kPlain);
  const Pass single = run(small_config(), feats.to(at::kFloat), kFused);
  EXPECT_LT(distance(single.y, exact.y), 1e-4);
  EXPECT_LT(distance(single.others.at("stages.1.0.conv.weight"),
                     exact.others.at("stages.1.0.conv.weight")),
            1e-3);
}

// bfloat16 has three digits, and which way a relu falls is chance, which multiplies the error of a
// single input by up to three: so the median over several.
TEST(Fused, Bfloat16IsAsCloseToDoubleAsThePlainComposition) {
  const SpcNetConfig config = small_config("1,1,3,1");
  const auto in_bf16 = [&](const at::Tensor& feats, const ForwardMode& mode) {
    at::autocast::set_autocast_enabled(at::kCPU, true);
    at::autocast::set_autocast_dtype(at::kCPU, at::kBFloat16);
    Pass pass = run(config, feats.to(at::kFloat), mode);
    at::autocast::clear_cache();
    at::autocast::set_autocast_enabled(at::kCPU, false);
    return pass;
  };
  constexpr int64_t kInputs = 11;
  std::vector<double> plain;
  std::vector<double> fused;
  for (int64_t i = 0; i < kInputs; ++i) {
    const at::Tensor feats =
        formula_input({4, 96, 24}).roll(5 * i, 1) * (1 + 0.1 * static_cast<double>(i));
    const Pass exact = run(config, feats, kPlain);
    const auto wrong = [&](const Pass& pass) {  // in all gradients, beside their size
      double difference = 0;
      double size = 0;
      for (const auto& [name, tensor] : exact.others) {
        difference += (pass.others.at(name).to(at::kDouble) - tensor).square().sum().item<double>();
        size += tensor.square().sum().item<double>();
      }
      return std::sqrt(difference / size);
    };
    plain.push_back(wrong(in_bf16(feats, kPlain)));
    fused.push_back(wrong(in_bf16(feats, kFused)));
  }
  for (const double error : fused)
    EXPECT_LT(error, 3 * *std::max_element(plain.begin(), plain.end()));
  const auto median = [](std::vector<double> errors) {
    const auto middle = errors.begin() + kInputs / 2;
    std::nth_element(errors.begin(), middle, errors.end());
    return *middle;
  };
  EXPECT_LT(median(fused), 1.1 * median(plain));
  EXPECT_GT(median(fused), 1e-4) << "nothing was computed in bfloat16";
}

// LibTorch's own convolutions add up in another order on other numbers of threads.
TEST(Fused, ThreadsChangeNothingButTheLastDigits) {
  const at::Tensor feats = formula_input({5, 57, 40});
  const auto on = [&](int threads) {
    const OnThreads scope(threads);
    return run(small_config("2,1,1,2"), feats, kFused);
  };
  const Pass alone = on(1);
  expect_near(on(2), alone, 1e-12);
  expect_near(on(3), alone, 1e-12);
}

// Seven utterances, cut over ranks in pieces of different sizes.
TEST(Fused, RanksTogetherEqualOne) {
  const at::Tensor feats = formula_input({7, 41, 20});
  const Pass whole = run(small_config("1,2,1,1"), feats, kFused);
  const at::Tensor dy =
      at::cos(0.3 * at::arange(whole.y.numel(), at::kDouble)).view(whole.y.sizes());
  for (const std::vector<int64_t>& rows : {std::vector<int64_t>{5, 2}, {1, 3, 1, 2}}) {
    std::mutex mutex;
    std::map<std::string, at::Tensor> sums;
    run_thread_ranks(static_cast<int>(rows.size()), [&](Communicator& comm) {
      int64_t begin = 0;
      for (int rank = 0; rank < comm.rank(); ++rank) begin += rows[static_cast<size_t>(rank)];
      const int64_t count = rows[static_cast<size_t>(comm.rank())];
      const Pass part =
          run(small_config("1,2,1,1"), feats.narrow(0, begin, count),
              {.training = true, .comm = &comm, .fused = true}, dy.narrow(0, begin, count));
      EXPECT_LT(distance(part.y, whole.y.narrow(0, begin, count)), 1e-9);
      EXPECT_LT(distance(part.dx, whole.dx.narrow(0, begin, count)), 1e-9);
      const std::lock_guard lock(mutex);
      for (const auto& [name, tensor] : part.others) {
        const bool running = name.find(".running_") != std::string::npos;
        if (running) {
          EXPECT_LT(distance(tensor, whole.others.at(name)), 1e-9) << name;
        } else {
          sums[name] = sums.contains(name) ? sums[name] + tensor : tensor.clone();
        }
      }
    });
    for (const auto& [name, sum] : sums)
      EXPECT_LT(distance(sum, whole.others.at(name)), 1e-9) << name;
  }
}

TEST(Fused, OneValueAChannelIsRefused) {
  SpcNetConfig config = small_config();
  const SpcNet network(config, 8, 1, at::kDouble);
  EXPECT_THROW((void)network.forward(formula_input({1, 8, 8}), kFused), std::exception);
}

}  // namespace
}  // namespace spc
