// A small run to plan.
#pragma once

#include "plan/plan.h"

namespace spc {

inline RunConfig small_config() {
  RunConfig config;
  config.model.channels = 8;
  config.model.blocks = "1,2,1,1";
  config.model.pooling_hidden = 16;
  config.model.embedding_dim = 32;
  config.views.num_global = 2;
  config.views.global_frames = 40;
  config.views.num_local = 2;
  config.views.local_frames = 24;
  config.head.out_dim = 64;
  config.head.hidden_dim = 32;
  config.head.bottleneck_dim = 16;
  config.train.batch_size = 8;
  config.train.epochs = 10;
  config.train.precision = "fp32";
  return config;
}

inline RankShape small_shape(int ranks = 1) {
  RankShape shape;
  shape.ranks = ranks;
  shape.num_utts = 100;
  shape.mean_frames = 300;
  shape.num_mel_bins = 24;
  shape.num_classes = 7;
  return shape;
}

}  // namespace spc
