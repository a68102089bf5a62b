#include "plan/activations.h"

#include <algorithm>
#include <cmath>
#include <vector>

namespace spc {
namespace {

// A map of [rows, channels, bins, frames], while it goes through the network.
struct Map {
  double rows;
  double channels;
  double bins;
  double frames;
  [[nodiscard]] double elements() const { return rows * channels * bins * frames; }
};

// Gradients of a block's map: what comes in, what goes out, and the full-size zeros around a half.
constexpr double kMapsInBackward = 4;
// Without a graph: x, what is concatenated, normalised, convolved and summed.
constexpr double kMapsInForward = 5;
// Batch norm in LibTorch's operations, as plain blocks have it on a GPU: the map, its deviations
// and their product, wide.
constexpr double kWideMapsOnGpu = 3;

class Backbone {
 public:
  Backbone(bool graph, const Arithmetic& arithmetic, MemoryTape& tape)
      : graph_(graph), arithmetic_(arithmetic), tape_(tape) {}

  // `count` of this size are kept for backward.
  void keep(const Map& map, double count) {
    if (graph_) tape_.hold(map.elements() * arithmetic_.element, count);
  }

  // What a layer over the map needs for a moment, forward or backward.
  void pass(const Map& map) {
    tape_.brief(map.elements() * arithmetic_.element, graph_ ? kMapsInBackward : kMapsInForward);
    if (arithmetic_.gpu && !arithmetic_.fused)
      tape_.brief(map.elements() *
                  (kWideMapsOnGpu * arithmetic_.wide + kMapsInBackward * arithmetic_.element));
  }

  void block(const Map& x, int64_t reduction, int64_t partial) {
    Map half = x;
    half.channels /= 2;
    if (arithmetic_.fused) {
      keep_parts(half, partial);  // x, which is cut
      keep(x, 2);                 // relu's result, the last convolution's
      keep(half, 3);              // K3's result, the gate's, K4's
      Map convolved = x;
      convolved.channels = static_cast<double>(partial);
      keep(convolved, 1);  // K1's result
    } else {
      keep(x, 4);     // x, the concatenation, relu's result, the last convolution's
      keep(half, 5);  // K3's result, its norm, the gate, their product, K4's result
    }
    half.bins = std::ceil(half.bins / static_cast<double>(reduction));
    half.frames = std::ceil(half.frames / static_cast<double>(reduction));
    keep(half, reduction > 1 ? 2 : 1);  // the average, unless it is x; K2's result
    pass(x);
  }

  void keep_parts(const Map& half, int64_t partial) {
    keep(half, 1);
    Map part = half;
    part.channels = static_cast<double>(partial);
    keep(part, 1);
    part.channels = half.channels - part.channels;
    keep(part, 1);
  }

  // Attentive statistics: in wide numbers, whatever the network computes in.
  void pool(const Map& x) {
    const double wide = x.elements() * arithmetic_.wide;
    keep(x, 2);  // the map, and in rows for attention
    // Weights, weighted, and the map widened.
    const double kept = arithmetic_.element < arithmetic_.wide ? 3 : 2;
    if (graph_) tape_.hold(wide, kept);
    tape_.brief(wide, graph_ ? 2 : 2 + kept);
  }

 private:
  const bool graph_;
  const Arithmetic& arithmetic_;
  MemoryTape& tape_;
};

}  // namespace

void add_backbone(const SpcNetConfig& config, int64_t num_mel_bins, const CropBatch& crops,
                  bool graph, const Arithmetic& arithmetic, MemoryTape& tape) {
  Backbone backbone(graph, arithmetic, tape);
  Map map{static_cast<double>(crops.rows), 1, static_cast<double>(num_mel_bins),
          static_cast<double>(crops.frames)};
  backbone.keep(map, 1);
  map.channels = config.channels;
  backbone.pass(map);
  backbone.keep(map, 1);  // the stem's convolution; its relu is the first block's x
  const std::vector<int64_t> blocks = config.blocks_per_stage();
  for (size_t stage = 0; stage < kNumStages; ++stage) {
    if (stage > 0) {
      backbone.keep(map, 2);  // the last block's result and its norm
      map.channels *= 2;
      map.bins = std::floor(map.bins / 2);
      map.frames = std::floor(map.frames / 2);
    }
    for (int64_t block = 0; block < blocks[stage]; ++block)
      backbone.block(map, config.block_reduction(),
                     config.partial_channels(static_cast<int64_t>(map.channels) / 2));
  }
  backbone.pool(map);
}

void add_dino_head_and_loss(const DinoHeadConfig& config, int64_t student_rows,
                            int64_t teacher_rows, const Arithmetic& arithmetic, MemoryTape& tape) {
  const auto prototypes = static_cast<double>(config.out_dim);
  const double last = prototypes * config.bottleneck_dim;
  const double student = static_cast<double>(student_rows) * prototypes * arithmetic.wide;
  const double teacher = static_cast<double>(teacher_rows) * prototypes * arithmetic.wide;
  // Two hidden layers: linear, norm, GELU. Then the prototypes at length 1.
  tape.hold(static_cast<double>(student_rows) * config.hidden_dim * arithmetic.element, 6);
  tape.hold(last * arithmetic.element);
  tape.brief(last * arithmetic.wide, 2);
  tape.hold(student, 2);  // logits, and the targets of each view
  // The teacher's logits, targets and their logarithm; the student's at their temperature, and
  // twice more in the logarithm of their sum.
  const double loss = 3 * student + 4 * teacher;
  // Back through the scaling to length 1: the quotient rule of a matrix.
  const double backward = student + 4 * last * arithmetic.wide;
  tape.brief(std::max(loss, backward));
}

void add_aam_head_and_loss(int64_t num_classes, int64_t embedding_dim, int64_t rows,
                           const Arithmetic& arithmetic, MemoryTape& tape) {
  const auto classes = static_cast<double>(num_classes);
  const double weights = classes * static_cast<double>(embedding_dim) * arithmetic.wide;
  const double logits = classes * static_cast<double>(rows) * arithmetic.wide;
  tape.hold(weights);
  tape.hold(logits, 2);  // directions; cosines, and those of the other classes scaled
  tape.brief(std::max(3 * logits, logits + 4 * weights));
}

}  // namespace spc
