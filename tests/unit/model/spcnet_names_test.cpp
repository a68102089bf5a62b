#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>

#include "model/spcnet.h"
#include "model/spcnet_summary.h"
#include "unit/reference.h"
#include "unit/temporary_folder.h"

namespace spc {
namespace {

using Shapes = std::map<std::string, std::vector<int64_t>>;

void add_conv(Shapes& shapes, const std::string& name, int64_t in, int64_t out, int64_t kernel) {
  shapes[name + ".weight"] = {out, in, kernel, kernel};
  shapes[name + ".bias"] = {out};
}
void add_bn(Shapes& shapes, const std::string& name, int64_t channels) {
  for (const char* part : {".weight", ".bias", ".running_mean", ".running_var"})
    shapes[name + part] = {channels};
}

// The names under which checkpoints promise the tensors of the paper's network for 64 mel bins.
Shapes promised() {
  Shapes shapes;
  add_conv(shapes, "stem.conv", 1, 32, 3);
  add_bn(shapes, "stem.bn", 32);
  const int blocks[] = {3, 3, 9, 3};
  for (int s = 0; s < 4; ++s) {
    const int64_t c = 32 << s;
    for (int n = 0; n < blocks[s]; ++n) {
      const std::string block = concat("stages.", s, ".", n, ".");
      shapes[block + "k1.weight"] = {c / 8, c / 8, 3, 3};
      for (const char* k : {"k2", "k3", "k4"}) {
        add_conv(shapes, block + k + ".conv", c / 2, c / 2, 3);
        add_bn(shapes, block + k + ".bn", c / 2);
      }
      add_bn(shapes, block + "bn", c);
      add_conv(shapes, block + "conv", c, c, 3);
      add_bn(shapes, block + "bn_out", c);
    }
    if (s == 3) break;
    add_bn(shapes, concat("down.", s, ".bn"), c);
    add_conv(shapes, concat("down.", s, ".conv"), c, 2 * c, 2);
  }
  shapes["pool.w1.weight"] = {128, 2048};
  shapes["pool.w1.bias"] = {128};
  shapes["pool.w2.weight"] = {2048, 128};
  shapes["pool.w2.bias"] = {2048};
  shapes["fc.weight"] = {256, 4096};
  shapes["fc.bias"] = {256};
  return shapes;
}

TEST(SpcNet, HasThePromisedNamesAndShapesAndNoOthers) {
  const SpcNet network(SpcNetConfig(), 64, 1);
  Shapes actual;
  for (const NamedTensor& each : network.tensors()) {
    EXPECT_TRUE(actual.emplace(each.name, each.tensor.sizes().vec()).second)
        << each.name << " occurs twice";
    EXPECT_EQ(each.trainable, each.name.find("running") == std::string::npos) << each.name;
    EXPECT_EQ(each.tensor.requires_grad(), each.trainable) << each.name;
    EXPECT_EQ(each.tensor.scalar_type(), at::kFloat);
  }
  EXPECT_EQ(actual, promised());
}

TEST(SpcNet, HasThePapersNumberOfParameters) {
  EXPECT_EQ(num_parameters(SpcNet(SpcNetConfig(), 64, 1).tensors()), 7481056);
}

struct Totals {
  int64_t parameters = 0;
  int64_t multiply_adds = 0;
};
Totals totals(const SpcNetConfig& config, int64_t num_mel_bins, int64_t frames) {
  Totals sum;
  for (const LayerSummary& layer : summarize(config, num_mel_bins, frames)) {
    sum.parameters += layer.parameters;
    sum.multiply_adds += layer.multiply_adds;
  }
  return sum;
}

TEST(SpcNetSummary, AgreesWithTheCountsOfPyTorch) {
  const Reference reference = read_reference("spcnet.txt");
  EXPECT_EQ(reference.at("parameters/64")[0], 7481056);
  for (const int64_t bins : {64, 80}) {
    const int64_t frames = bins == 64 ? 200 : 300;
    const Totals sum = totals(SpcNetConfig(), bins, frames);
    EXPECT_EQ(static_cast<double>(sum.parameters), reference.at(concat("parameters/", bins))[0]);
    EXPECT_EQ(static_cast<double>(sum.multiply_adds),
              reference.at(concat("multiply_adds/", bins, "x", frames))[0]);
  }
  EXPECT_EQ(totals(SpcNetConfig(), 64, 200).multiply_adds, 3349217280);
}

TEST(SpcNetSummary, CountsTheParametersOfEachLayerOfEachVariant) {
  SpcNetConfig small;
  small.channels = 8;
  small.blocks = "1,0,2,1";
  SpcNetConfig stats = small;
  stats.pooling = "stats";
  stats.block_pooling = "none";
  SpcNetConfig wide = small;
  wide.channels = 24;
  wide.pconv_ratio = 1;
  wide.embedding_dim = 7;
  for (const SpcNetConfig& config : {small, stats, wide}) {
    std::map<std::string, int64_t> counted;
    for (const NamedTensor& each : trainable(SpcNet(config, 26, 1).tensors())) {
      counted[each.name.substr(0, each.name.rfind('.'))] += each.tensor.numel();
    }
    std::map<std::string, int64_t> summarized;
    for (const LayerSummary& layer : summarize(config, 26, 50))
      summarized[layer.name] += layer.parameters;
    EXPECT_EQ(summarized, counted);
  }
}

TEST(SpcNetSummary, TellsTheShapesOnTheWay) {
  const std::vector<LayerSummary> layers = summarize(SpcNetConfig(), 64, 203);
  const auto output = [&](const std::string& name) {
    for (const LayerSummary& layer : layers) {
      if (layer.name == name) return layer.output;
    }
    return std::vector<int64_t>();
  };
  EXPECT_THAT(output("stem.conv"), testing::ElementsAre(32, 64, 203));
  EXPECT_THAT(output("stages.0.0.k2.conv"), testing::ElementsAre(16, 16, 51));
  EXPECT_THAT(output("stages.3.2.bn_out"), testing::ElementsAre(256, 8, 25));
  EXPECT_THAT(output("pool.w1"), testing::ElementsAre(128, 25));
  EXPECT_THAT(output("fc"), testing::ElementsAre(256));
}

TEST(SpcNet, ErrorsSayWhatIsWrong) {
  SpcNetConfig config;
  config.channels = 8;
  config.blocks = "1,1,1,1";
  const SpcNet network(config, 20, 1);
  EXPECT_EQ(message_of([&] {
              (void)network.forward(at::zeros({2, 30, 24}), {});
            }),
            "the network was built for 20 mel bins, the features are [2, 30, 24]");
  EXPECT_EQ(message_of([&] {
              (void)network.forward(at::zeros({2, 7, 20}), {});
            }),
            "the network needs at least 8 frames, got 7");
  EXPECT_NO_THROW((void)network.forward(at::zeros({2, 8, 20}), {}));
  EXPECT_EQ(message_of<UsageError>([&] { SpcNet(config, 7, 1); }),
            "the network needs at least 8 mel bins, got 7");
}

TEST(SpcNetConfig, RefusesWhatTheNetworkCannotBe) {
  const auto refusal = [](auto change) {
    SpcNetConfig config;
    change(config);
    return message_of<UsageError>([&] { config.validate(); });
  };
  EXPECT_EQ(refusal([](auto& c) { c.channels = 12; }),
            "model.channels = 12, must be a positive multiple of 8");
  EXPECT_EQ(refusal([](auto& c) { c.block_pooling = "mean"; }),
            "model.block_pooling = mean, must be avg, max or none");
  EXPECT_EQ(refusal([](auto& c) { c.pooling = "avg"; }),
            "model.pooling = avg, must be asp or stats");
  EXPECT_EQ(refusal([](auto& c) { c.pconv_ratio = 0; }),
            "model.pconv_ratio = 0, must be in (0, 1]");
  EXPECT_EQ(refusal([](auto& c) { c.reduction = 0; }), "model.reduction = 0, must be >= 1");
  for (const char* blocks : {"3,3,9", "3,3,9,3,1", "3,3,x,3", "", "3,,9,3", "-3,3,9,3"}) {
    EXPECT_EQ(
        refusal([&](auto& c) { c.blocks = blocks; }),
        concat("model.blocks = ", blocks, ", must be four numbers with commas, e.g. 3,3,9,3"));
  }
  EXPECT_NO_THROW(SpcNetConfig().validate());
}

}  // namespace
}  // namespace spc
