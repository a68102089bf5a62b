#include "plan/workload.h"

#include <cmath>

#include "pseudo/seeding.h"

namespace spc {
namespace {

constexpr double kOperations = 2;  // of a multiply-add
constexpr double kBackward = 2;    // times forward: gradients of input and of weights
constexpr double kStatistic = 8;   // sums of batch norm travel in double

double head_multiply_adds(const RunConfig& config, const NetworkSize& size) {
  return size.last + (config.train.objective == "dino" ? size.head : 0);
}

}  // namespace

StepWork step_work(const RunConfig& config, const RankShape& shape, int64_t rows) {
  const ViewsConfig& views = config.views;
  const bool dino = config.train.objective == "dino";
  const NetworkSize size = network_size(config, shape.num_mel_bins, shape.num_classes);
  const auto utts = static_cast<double>(rows);
  const double head = head_multiply_adds(config, size);
  const double global =
      utts * views.num_global *
      (backbone_multiply_adds(config.model, shape.num_mel_bins, views.global_frames) + head);
  const double local =
      utts * views.num_local *
      (backbone_multiply_adds(config.model, shape.num_mel_bins, views.local_frames) + head);
  // The teacher's forward, or that of the crops that labels are corrected by.
  const double without_graph = dino || config.label_correction.enabled() ? global : 0;

  StepWork work;
  work.backward = kOperations * kBackward * (global + local);
  work.operations = work.backward + kOperations * (global + local + without_graph);
  work.gradient_bytes = size.trainable() * (config.dist.wire == "bf16" ? 2 : shape.arithmetic.wide);
  // Forward sums two values a channel and a count, backward two values. Global and local crops are
  // passes of their own, but not in the head; the teacher has the first alone, and no backward.
  if (config.train.sync_bn && shape.ranks > 1) {
    const int64_t backward = views.num_local > 0 ? 2 : 1;
    const int64_t forward = backward + (dino ? 1 : 0);
    // A fused block has one norm less to sum for, and sends the sums of k2.bn and k3.bn together.
    const bool fused = config.train.fuses(shape.arithmetic.gpu);
    const int64_t norms = size.norms - (fused ? size.blocks : 0);
    const double channels = size.norm_channels - (fused ? size.chained_channels : 0);
    const int64_t counts = norms * forward + size.head_norms * 2;
    work.messages =
        (norms - (fused ? size.blocks : 0)) * (forward + backward) + size.head_norms * 3;
    work.statistics_bytes =
        kStatistic * (2 * channels * static_cast<double>(forward + backward) +
                      2 * size.head_norm_channels * 3 + static_cast<double>(counts));
    work.messages *= config.train.accumulate;
    work.statistics_bytes *= static_cast<double>(config.train.accumulate);
  }
  // An utterance is read whole, once for all views; copies and what is mixed in come to that.
  const AugmentConfig& augment = config.augment;
  const double others = augment.copy_prob + augment.speech_prob + augment.noise_prob +
                        augment.babble_prob * (augment.babble_min + augment.babble_max) / 2;
  work.feature_bytes = utts * (1 + others * (views.num_global + views.num_local)) * kFeatureBytes *
                       shape.mean_frames * static_cast<double>(shape.num_mel_bins);
  return work;
}

double extraction_operations(const SpcNetConfig& config, const RankShape& shape) {
  return kOperations * static_cast<double>(shape.num_utts) *
         backbone_multiply_adds(config, shape.num_mel_bins, std::llround(shape.mean_frames));
}

double clustering_operations(const ClusterConfig& config, int64_t num_utts, int64_t embedding_dim) {
  const auto clusters = static_cast<double>(config.num_clusters);
  const double candidates =
      config.seeding == "random" ? 0 : static_cast<double>(num_candidates(config.num_clusters));
  const auto passes = static_cast<double>(config.max_passes);
  const double dim =
      config.half_whiten ? static_cast<double>(config.pca_dim) : static_cast<double>(embedding_dim);
  return kOperations * static_cast<double>(num_utts) * dim * clusters * (passes + candidates);
}

double ring_bytes(double bytes, int ranks) {
  return ranks > 1 ? 2 * bytes * (ranks - 1) / ranks : 0;
}

}  // namespace spc
