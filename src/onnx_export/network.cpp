#include "onnx_export/network.h"

#include <cmath>
#include <utility>

#include "base/integers.h"
#include "onnx_export/layers.h"

namespace spc {
namespace {

using Sizes = std::vector<int64_t>;

/// Names under a module: Path("k2").at("bn") is "k2.bn".
class Path {
 public:
  explicit Path(std::string name) : name_(std::move(name)) {}
  [[nodiscard]] std::string at(const std::string& name) const { return name_ + "." + name; }
  [[nodiscard]] Path sub(size_t index) const { return Path(at(std::to_string(index))); }
  [[nodiscard]] const std::string& name() const { return name_; }

 private:
  std::string name_;
};

class Builder {
 public:
  Builder(const SpcNetConfig& config, int64_t num_mel_bins, const Weights& weights, bool fold_bn)
      : config_(config), bins_(num_mel_bins), layers_(graph_, weights, fold_bn) {}

  Graph build() {
    graph_.input("feats", {"B", "T", bins_});
    graph_.output("embs", {"B", int64_t{config_.embedding_dim}});
    int64_t channels = config_.channels;
    std::string x = layers_.conv_norm("stem.conv", "stem.bn", prepared_features(), {1, channels});
    x = graph_.node("Relu", "stem.relu", {x});
    const Sizes blocks = config_.blocks_per_stage();
    for (size_t stage = 0; stage < kNumStages; ++stage) {
      if (stage > 0) {
        const Path down = Path("down").sub(stage - 1);
        x = layers_.norm_conv(down.at("bn"), down.at("conv"), x, {channels, 2 * channels, true});
        channels *= 2;
        bins_ /= 2;
      }
      const Path path = Path("stages").sub(stage);
      if (blocks[stage] > 0 && config_.block_reduction() > 1) add_nearest(path, x);
      for (size_t i = 0; i < static_cast<size_t>(blocks[stage]); ++i)
        x = block(path.sub(i), path, x, channels);
    }
    const int64_t features = channels * bins_;
    x = graph_.node("Reshape", "pool.frames",
                    {x, graph_.integers("pool.shape", {0, features, -1})});
    graph_.node("Gemm", "fc",
                {statistics(x, features),
                 layers_.parameter("fc.weight", {config_.embedding_dim, 2 * features}),
                 layers_.parameter("fc.bias", {config_.embedding_dim})},
                {"embs"}, {{"transB", int64_t{1}}});
    return std::move(graph_);
  }

 private:
  // [B, T, F] -> [B, 1, F, T], at least as many frames as the network needs, less their mean.
  std::string prepared_features() {
    const std::string shape = graph_.node("Shape", "frames.shape", {"feats"});
    const std::string given =
        graph_.node("Gather", "frames.given", {shape, graph_.integer("frames.axis", 1)});
    const std::string used =
        graph_.node("Max", "frames.used", {given, graph_.integer("frames.needed", kTotalStride)});
    const std::string places =
        graph_.node("Range", "frames.places",
                    {graph_.integer("frames.first", 0), used, graph_.integer("frames.step", 1)});
    const std::string order = graph_.node("Mod", "frames.order", {places, given});
    const std::string repeated =
        graph_.node("Gather", "frames.repeated", {"feats", order}, {{"axis", int64_t{1}}});
    const std::string mean = graph_.node("ReduceMean", "frames.mean", {repeated},
                                         {{"axes", Sizes{1}}, {"keepdims", int64_t{1}}});
    const std::string centred = graph_.node("Sub", "frames.centred", {repeated, mean});
    const std::string turned =
        graph_.node("Transpose", "frames.turned", {centred}, {{"perm", Sizes{0, 2, 1}}});
    return graph_.node("Unsqueeze", "frames.map",
                       {turned, graph_.integers("frames.channel_axis", {1})});
  }

  // Which row and which column of a block's reduced map goes to each row and column of x, for all
  // blocks of a stage. "Nearest" is floor(i * (n / N)) in single precision, as LibTorch has it. The
  // operator Resize divides i by N / n instead, and at lengths such as 198 frames takes another.
  void add_nearest(const Path& stage, const std::string& x) {
    const int64_t r = config_.block_reduction();
    const int64_t small_bins = ceil_divided(bins_, r);
    const float ratio = static_cast<float>(small_bins) / static_cast<float>(bins_);
    Sizes rows;
    rows.reserve(static_cast<size_t>(bins_));
    for (int64_t i = 0; i < bins_; ++i)
      rows.push_back(static_cast<int64_t>(std::floor(static_cast<float>(i) * ratio)));
    graph_.integers(stage.at("up.rows"), rows);

    const std::string shape = graph_.node("Shape", stage.at("up.shape"), {x});
    const std::string frames = graph_.node("Gather", stage.at("up.frames"),
                                           {shape, graph_.integer(stage.at("up.time_axis"), 3)});
    const std::string padded = graph_.node("Add", stage.at("up.padded"),
                                           {frames, graph_.integer(stage.at("up.padding"), r - 1)});
    const std::string small = graph_.node("Div", stage.at("up.small"),
                                          {padded, graph_.integer(stage.at("up.reduction"), r)});
    const std::string frames_real =
        cast(stage.at("up.frames_real"), frames, onnx::TensorProto::FLOAT);
    const std::string small_real = cast(stage.at("up.small_real"), small, onnx::TensorProto::FLOAT);
    const std::string places = graph_.node("Range", stage.at("up.places"),
                                           {graph_.number(stage.at("up.first"), 0), frames_real,
                                            graph_.number(stage.at("up.step"), 1)});
    const std::string ratios = graph_.node("Div", stage.at("up.ratio"), {small_real, frames_real});
    const std::string product = graph_.node("Mul", stage.at("up.product"), {places, ratios});
    cast(stage.at("up.columns"), graph_.node("Floor", stage.at("up.floor"), {product}),
         onnx::TensorProto::INT64);
  }

  std::string cast(const std::string& name, const std::string& x, int64_t type) {
    return graph_.node("Cast", name, {x}, {{"to", type}});
  }

  std::string block(const Path& path, const Path& stage, const std::string& x, int64_t channels) {
    const int64_t half = channels / 2;
    const int64_t partial = config_.partial_channels(half);
    Sizes sizes{half, partial};
    std::vector<std::string> parts{path.at("x1"), path.at("x2.convolved")};
    if (partial < half) {
      sizes.push_back(half - partial);
      parts.push_back(path.at("x2.kept"));
    }
    graph_.node("Split", path.at("split"), {x, graph_.integers(path.at("split.sizes"), sizes)},
                parts, {{"axis", int64_t{1}}});
    const std::string k3 =
        layers_.conv_norm(path.at("k3.conv"), path.at("k3.bn"), parts[0], {half, half});
    const std::string calibrated =
        graph_.node("Mul", path.at("calibrated"), {k3, gate(path, stage, parts[0], half)});
    const std::string y1 =
        layers_.conv_norm(path.at("k4.conv"), path.at("k4.bn"), calibrated, {half, half});
    parts[0] = y1;
    parts[1] = layers_.conv_without_bias(path.at("k1"), parts[1], {partial, partial});
    std::string y = graph_.node("Concat", path.at("joined"), parts, {{"axis", int64_t{1}}});
    y = graph_.node("Relu", path.at("relu"), {layers_.norm(path.at("bn"), y, channels)});
    y = layers_.conv_norm(path.at("conv"), path.at("bn_out"), y, {channels, channels});
    return graph_.node("Add", path.name(), {x, y});
  }

  std::string gate(const Path& path, const Path& stage, const std::string& x1, int64_t half) {
    const bool reduced = config_.block_reduction() > 1;
    std::string up = layers_.conv_norm(path.at("k2.conv"), path.at("k2.bn"),
                                       reduced ? reduce(path.at("pool"), x1) : x1, {half, half});
    if (reduced) {
      // Time first, while the map has few rows; then whole rows are copied.
      up = graph_.node("Gather", path.at("up.time"), {up, stage.at("up.columns")},
                       {{"axis", int64_t{3}}});
      up = graph_.node("Gather", path.at("up"), {up, stage.at("up.rows")}, {{"axis", int64_t{2}}});
    }
    if (config_.identity) up = graph_.node("Add", path.at("identity"), {x1, up});
    return graph_.node("Sigmoid", path.at("gate"), {up});
  }

  // The last window of a row may be cut; its mean is over what is there.
  std::string reduce(const std::string& name, const std::string& x) {
    const int64_t r = config_.block_reduction();
    Graph::Attributes attributes{
        {"kernel_shape", Sizes{r, r}}, {"strides", Sizes{r, r}}, {"ceil_mode", int64_t{1}}};
    if (config_.block_pooling == "max") return graph_.node("MaxPool", name, {x}, attributes);
    attributes.push_back({"count_include_pad", int64_t{0}});
    return graph_.node("AveragePool", name, {x}, attributes);
  }

  // [B, D, T] -> mean and deviation over time [B, 2 D], by the weights of the attention if there is
  // one.
  std::string statistics(const std::string& x, int64_t features) {
    const bool attentive = config_.pooling == "asp";
    const std::string weighted =
        attentive ? graph_.node("Mul", "pool.weighted", {attention(x, features), x}) : x;
    const std::string time = attentive ? graph_.integers("pool.time_axis", {2}) : "";
    const auto over_time = [&](const std::string& name, const std::string& value) {
      if (attentive)
        return graph_.node("ReduceSum", name, {value, time}, {{"keepdims", int64_t{0}}});
      return graph_.node("ReduceMean", name, {value},
                         {{"axes", Sizes{2}}, {"keepdims", int64_t{0}}});
    };
    const std::string mean = over_time("pool.mean", weighted);
    const std::string square =
        over_time("pool.square", graph_.node("Mul", "pool.weighted_square", {weighted, x}));
    const std::string mean_square = graph_.node("Mul", "pool.mean_square", {mean, mean});
    const std::string variance = graph_.node("Sub", "pool.variance", {square, mean_square});
    const std::string floor =
        graph_.number("pool.variance_floor", static_cast<float>(kVarianceFloor));
    const std::string deviation = graph_.node(
        "Sqrt", "pool.deviation", {graph_.node("Max", "pool.floored", {variance, floor})});
    return graph_.node("Concat", "pool", {mean, deviation}, {{"axis", int64_t{1}}});
  }

  std::string attention(const std::string& x, int64_t features) {
    const int64_t hidden = config_.pooling_hidden;
    const std::string inner = linear("pool.w1", x, features, hidden);
    const std::string logits =
        linear("pool.w2", graph_.node("Tanh", "pool.tanh", {inner}), hidden, features);
    return graph_.node("Softmax", "pool.weights", {logits}, {{"axis", int64_t{2}}});
  }

  // Over [B, in, T].
  std::string linear(const std::string& name, const std::string& x, int64_t in, int64_t out) {
    const std::string product = graph_.node("MatMul", name + ".product",
                                            {layers_.parameter(name + ".weight", {out, in}), x});
    return graph_.node("Add", name, {product, layers_.column(name + ".bias", out)});
  }

  const SpcNetConfig& config_;
  int64_t bins_;  // at the present resolution
  Graph graph_{"spcnet"};
  Layers layers_;
};

}  // namespace

Graph build_network(const SpcNetConfig& config, int64_t num_mel_bins, const Weights& weights,
                    bool fold_bn) {
  return Builder(config, num_mel_bins, weights, fold_bn).build();
}

}  // namespace spc
