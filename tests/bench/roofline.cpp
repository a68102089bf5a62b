// What bounds a training step: each of its parts, on maps of the network's sizes, one thread, as
// one JSON line with its arithmetic, the bytes that it reads and writes at least, and its time; and
// what this core can do at most.
//   bench_roofline bf16|fp32
#include <ATen/ATen.h>
#include <ATen/Parallel.h>

#include <algorithm>
#include <functional>
#include <iostream>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/error.h"
#include "base/json.h"
#include "linalg/product.h"
#include "loss/dino_loss.h"
#include "model/channels_last.h"
#include "model/map_gate.h"
#include "train/optimizer.h"

namespace {

using spc::MapParts;

constexpr int kRounds = 5;

double seconds_of(const std::function<void()>& body) {
  double least = 1e9;
  body();  // compiles, takes pages
  for (int round = 0; round < kRounds; ++round) {
    const spc::Stopwatch watch;
    body();
    least = std::min(least, watch.seconds());
  }
  return least;
}

void tell(const std::string& part, double flops, double bytes, double seconds) {
  std::cout << spc::JsonObject()
                   .set("part", part)
                   .set("gflop", flops / 1e9)
                   .set("gbyte", bytes / 1e9)
                   .set("seconds", seconds)
                   .str()
            << std::endl;
}

// A stage of the network with C0 = 32, F = 80, for 16 crops of 300 frames.
struct Stage {
  int64_t channels, bins, frames;
};
const std::vector<Stage> kStages{{32, 80, 300}, {64, 40, 150}, {128, 20, 75}, {256, 10, 37}};
constexpr int64_t kCrops = 16;
constexpr int64_t kReduction = 4;

at::Tensor map_of(const Stage& stage, int64_t channels, at::ScalarType type) {
  return at::randn({kCrops, channels, stage.bins, stage.frames})
      .to(type)
      .contiguous(at::MemoryFormat::ChannelsLast);
}

spc::ChannelNorm norm_of(int64_t channels, bool relu) {
  return {at::zeros({channels}, at::kDouble), at::ones({channels}, at::kDouble),
          at::zeros({channels}, at::kDouble), relu};
}

// The 3 x 3 convolutions of a block, with both gradients.
void convolutions(const Stage& stage, at::ScalarType type, const std::string& name) {
  double flops = 0;
  double bytes = 0;
  double seconds = 0;
  const int64_t half = stage.channels / 2;
  for (const int64_t channels : {stage.channels, half, half, half / 4}) {
    const at::Tensor x = map_of(stage, channels, type);
    const at::Tensor dy = map_of(stage, channels, type);
    const at::Tensor weight = at::randn({channels, channels, 3, 3}).to(type);
    const int64_t pixels = x.numel() / channels;
    seconds += seconds_of([&] {
      (void)at::convolution(x, weight, {}, {1, 1}, {1, 1}, {1, 1}, false, {0, 0}, 1);
      (void)at::convolution_backward(dy, x, weight, std::nullopt, {1, 1}, {1, 1}, {1, 1}, false,
                                     {0, 0}, 1, {true, true, false});
    });
    flops += 3.0 * 2 * 9 * static_cast<double>(pixels * channels * channels);
    bytes += 6.0 * static_cast<double>(x.nbytes());  // x, y; dy, dx; x, dy
  }
  tell(name, flops, bytes, seconds);
}

// The passes over memory of a block, forward and back.
void passes(const Stage& stage, at::ScalarType type, const std::string& name) {
  const int64_t channels = stage.channels;
  const int64_t half = channels / 2;
  const at::Tensor x = map_of(stage, channels, type);
  const at::Tensor dx = map_of(stage, channels, type);
  const at::Tensor y = map_of(stage, channels, type);
  const at::Tensor x1 = map_of(stage, half, type);
  const at::Tensor c3 = map_of(stage, half, type);
  const spc::Windows windows(x1, kReduction);
  const at::Tensor small = spc::map_average(x1, windows);
  const spc::ChannelNorm norm = norm_of(channels, false);
  const spc::ChannelNorm open = norm_of(channels, true);
  const spc::GateInputs gate{x1, c3, norm_of(half, false), small, norm_of(half, false)};
  const spc::ChannelBackward back{norm.scale, norm.mean, norm.bias};
  at::Tensor dz = map_of(stage, half, type);
  const double seconds = seconds_of([&] {
    (void)spc::map_average(x1, windows);
    (void)spc::map_sums({c3});
    (void)spc::map_gate(gate, windows);
    (void)spc::map_sums({x});
    spc::map_apply({x}, open, {}, {y});
    (void)spc::map_sums({y});
    spc::map_apply({y}, norm, {x}, {y});
    (void)spc::map_backward_sums({dx}, {x}, norm);
    spc::map_backward_apply({dx}, {x}, norm, back, {}, {y});
    (void)spc::map_backward_sums({dx}, {x}, open);
    spc::map_backward_apply({dx}, {x}, open, back, {}, {y});
    const spc::GateGradients gradients = spc::map_gate_backward(dz, gate, windows);
    spc::map_backward_apply({gradients.of_norm3}, {c3}, gate.norm3,
                            {gate.norm3.scale, gate.norm3.mean, gate.norm3.bias}, {},
                            {gradients.of_norm3});
    spc::map_merge(dx, dz, gradients.of_x1, small, windows, dz);
  });
  // Maps of all channels that are read or written; about eight operations for each number.
  const double maps = 0.5 + 0.5 + 1.5 + 1 + 2 + 1 + 3 + 2 + 3 + 2 + 3 + 2.5 + 1.5 + 2;
  tell(name, 8 * maps / 2.5 * static_cast<double>(x.numel()),
       maps * static_cast<double>(x.nbytes()), seconds);
}

void loss(at::ScalarType type) {
  constexpr int64_t kRows = 8;
  constexpr int64_t kClasses = 65536;
  const at::Tensor student = at::randn({6 * kRows, kClasses}).mul_(0.1).set_requires_grad(true);
  const at::Tensor teacher = at::randn({2 * kRows, kClasses}).mul_(0.1);
  const at::Tensor center = at::zeros({kClasses});
  const at::Tensor teacher_temp = at::scalar_tensor(0.04, at::kDouble);
  spc::DinoLossOptions options;
  options.num_views = 6;
  options.global_utterances = kRows;
  options.targets = {true, type};
  const double seconds = seconds_of([&] {
    student.mutable_grad().reset();
    spc::dino_loss(student, teacher, center, teacher_temp, options).loss.backward();
  });
  const double bytes =
      2.0 * static_cast<double>(student.nbytes()) + 2.0 * static_cast<double>(teacher.nbytes());
  tell("loss", 25.0 * static_cast<double>(student.numel() + teacher.numel()), bytes, seconds);
}

void optimiser() {
  const at::Tensor parameter = at::randn({29'900'000}).set_requires_grad(true);
  parameter.mutable_grad() = at::randn_like(parameter.detach());
  const at::Tensor average = parameter.detach().clone();
  const auto optimizer = spc::make_optimizer(spc::OptimConfig(), {{"weights", parameter, true}});
  const spc::Update update{0.1, {0.5}, {{average}, 0.99}};
  const double seconds = seconds_of([&] { optimizer->step(update); });
  tell("optimiser and average", 10.0 * static_cast<double>(parameter.numel()),
       7.0 * static_cast<double>(parameter.nbytes()), seconds);
}

// The fastest of products of several sizes; they are packed before each product, as a map is not.
void limits(at::ScalarType type) {
  double rate = 0;
  double flops = 0;
  double bytes = 0;
  for (const int64_t side : {512, 1024, 2048, 4096}) {
    const at::Tensor a = at::randn({side, side}).to(type);
    const at::Tensor b = at::randn({side, side}).to(type);
    const double of_product = 2.0 * static_cast<double>(side * side * side);
    double seconds = seconds_of([&] { (void)at::mm(a, b); });
    if (type == at::kFloat)  // oneDNN's, where at::mm is MKL's
      seconds = std::min(seconds, seconds_of([&] { (void)spc::product_of(a, b); }));
    const double of_second = of_product / seconds;
    if (of_second < rate) continue;
    rate = of_second;
    flops = of_product;
    bytes = 3.0 * static_cast<double>(a.nbytes());
  }
  tell("product of matrices", flops, bytes, flops / rate);
  const at::Tensor from = at::randn({int64_t{1} << 26});
  at::Tensor to = at::empty_like(from);
  tell("copy", 0, 2.0 * static_cast<double>(from.nbytes()), seconds_of([&] { to.copy_(from); }));
}

}  // namespace

int main(int argc, char** argv) {
  try {
    const std::string precision = argc == 2 ? argv[1] : "";
    SPC_CHECK(precision == "bf16" || precision == "fp32", "usage: bench_roofline bf16|fp32");
    const at::ScalarType type = precision == "bf16" ? at::kBFloat16 : at::kFloat;
    at::set_num_threads(1);
    limits(type);
    for (size_t i = 0; i < kStages.size(); ++i) {
      convolutions(kStages[i], type, spc::concat("convolutions, stage ", i + 1));
      passes(kStages[i], type, spc::concat("memory passes, stage ", i + 1));
    }
    loss(type);
    optimiser();
  } catch (const std::exception& error) {
    std::cerr << "error: " << error.what() << "\n";
    return 1;
  }
}
