// The graph as such: every value is made once and before it is used, every constant is used, and
// what is folded is gone. That it computes the right thing is shown by tests/e2e/onnx.py.
#include "onnx_export/network.h"

#include <gmock/gmock.h>

#include <algorithm>
#include <map>
#include <set>

#include "unit/temporary_folder.h"

namespace spc {
namespace {

using Shapes = std::map<std::string, std::vector<int64_t>>;

// Of the parameters, with `.` as `/`, as docs and checkpoints have them.
Shapes shapes_of(const SpcNetConfig& config, int64_t bins) {
  Shapes shapes;
  const auto conv = [&](const std::string& name, int64_t in, int64_t out, int64_t kernel) {
    shapes[name + "/weight"] = {out, in, kernel, kernel};
    shapes[name + "/bias"] = {out};
  };
  const auto norm = [&](const std::string& name, int64_t channels) {
    for (const char* each : {"/weight", "/bias", "/running_mean", "/running_var"})
      shapes[name + each] = {channels};
  };
  int64_t c = config.channels;
  conv("stem/conv", 1, c, 3);
  norm("stem/bn", c);
  for (size_t stage = 0; stage < kNumStages; ++stage) {
    if (stage > 0) {
      const std::string down = "down/" + std::to_string(stage - 1);
      norm(down + "/bn", c);
      conv(down + "/conv", c, 2 * c, 2);
      c *= 2;
      bins /= 2;
    }
    for (int64_t n = 0; n < config.blocks_per_stage()[stage]; ++n) {
      const std::string block = "stages/" + std::to_string(stage) + "/" + std::to_string(n);
      const int64_t partial = config.partial_channels(c / 2);
      shapes[block + "/k1/weight"] = {partial, partial, 3, 3};
      for (const char* k : {"/k2", "/k3", "/k4"}) {
        conv(block + k + "/conv", c / 2, c / 2, 3);
        norm(block + k + "/bn", c / 2);
      }
      norm(block + "/bn", c);
      conv(block + "/conv", c, c, 3);
      norm(block + "/bn_out", c);
    }
  }
  if (config.pooling == "asp") {
    shapes["pool/w1/weight"] = {config.pooling_hidden, c * bins};
    shapes["pool/w1/bias"] = {config.pooling_hidden};
    shapes["pool/w2/weight"] = {c * bins, config.pooling_hidden};
    shapes["pool/w2/bias"] = {c * bins};
  }
  shapes["fc/weight"] = {config.embedding_dim, 2 * c * bins};
  shapes["fc/bias"] = {config.embedding_dim};
  return shapes;
}

class NetworkTest : public testing::Test {
 protected:
  static constexpr int64_t kBins = 20;

  Graph build(const SpcNetConfig& config, bool fold_bn) {
    shapes_ = shapes_of(config, kBins);
    write_tensor_file(folder_ / "c.h5", [&](TensorFileWriter& file) {
      for (const auto& [name, shape] : shapes_) {
        size_t count = 1;
        for (const int64_t size : shape) count *= static_cast<size_t>(size);
        const std::vector<float> ones(count, 1);
        file.tensor("teacher/backbone/" + name, {DType::kFloat32, shape, ones.data()});
      }
    });
    const TensorFile file(folder_ / "c.h5");
    return build_network(config, kBins, Weights(file, "teacher"), fold_bn);
  }

  static void expect_sound(const onnx::GraphProto& graph) {
    std::set<std::string> known;
    std::set<std::string> used;
    std::set<std::string> nodes;
    for (const auto& input : graph.input()) known.insert(input.name());
    for (const auto& constant : graph.initializer())
      EXPECT_TRUE(known.insert(constant.name()).second) << constant.name() << " is there twice";
    for (const auto& node : graph.node()) {
      EXPECT_TRUE(nodes.insert(node.name()).second) << node.name() << " is there twice";
      for (const std::string& input : node.input()) {
        EXPECT_TRUE(known.contains(input)) << node.name() << " uses " << input << " too early";
        used.insert(input);
      }
      for (const std::string& output : node.output())
        EXPECT_TRUE(known.insert(output).second) << output << " is made twice";
    }
    for (const auto& output : graph.output()) used.insert(output.name());
    EXPECT_EQ(known, used);
  }

  static std::vector<std::string> norms_of(const onnx::GraphProto& graph) {
    std::vector<std::string> names;
    for (const auto& node : graph.node())
      if (node.op_type() == "BatchNormalization") names.push_back(node.name());
    return names;
  }

  TemporaryFolder folder_;
  Shapes shapes_;
};

SpcNetConfig small() {
  SpcNetConfig config;
  config.channels = 8;
  config.blocks = "2,1,0,1";
  config.pooling_hidden = 5;
  config.embedding_dim = 7;
  return config;
}

TEST_F(NetworkTest, EveryParameterIsThereUnderItsName) {
  const onnx::GraphProto graph = build(small(), false).proto();
  expect_sound(graph);
  std::set<std::string> names;
  for (const auto& constant : graph.initializer()) names.insert(constant.name());
  for (const auto& [path, shape] : shapes_) {
    std::string name = path;
    std::replace(name.begin(), name.end(), '/', '.');
    EXPECT_TRUE(names.contains(name)) << name;
  }
}

TEST_F(NetworkTest, FoldedOnlyTheNormsBehindConcatenationsStay) {
  const onnx::GraphProto graph = build(small(), true).proto();
  expect_sound(graph);
  EXPECT_THAT(norms_of(graph), testing::ElementsAre("stages.0.0.bn", "stages.0.1.bn",
                                                    "stages.1.0.bn", "stages.3.0.bn"));
}

TEST_F(NetworkTest, SoundWithEverySwitch) {
  for (const char* block_pooling : {"avg", "max", "none"}) {
    for (const char* pooling : {"asp", "stats"}) {
      for (const double ratio : {0.25, 1.0}) {
        for (const bool identity : {true, false}) {
          SpcNetConfig config = small();
          config.block_pooling = block_pooling;
          config.pooling = pooling;
          config.pconv_ratio = ratio;
          config.identity = identity;
          config.reduction = 3;
          SCOPED_TRACE(std::string(block_pooling) + " " + pooling);
          expect_sound(build(config, identity).proto());
        }
      }
    }
  }
}

TEST_F(NetworkTest, BatchAndFramesMayVary) {
  const onnx::GraphProto graph = build(small(), false).proto();
  ASSERT_EQ(graph.input_size(), 1);
  ASSERT_EQ(graph.output_size(), 1);
  const auto& feats = graph.input(0).type().tensor_type().shape();
  EXPECT_EQ(graph.input(0).name(), "feats");
  EXPECT_EQ(feats.dim(0).dim_param(), "B");
  EXPECT_EQ(feats.dim(1).dim_param(), "T");
  EXPECT_EQ(feats.dim(2).dim_value(), kBins);
  EXPECT_EQ(graph.output(0).name(), "embs");
  EXPECT_EQ(graph.output(0).type().tensor_type().shape().dim(1).dim_value(), 7);
}

}  // namespace
}  // namespace spc
