// How large the networks of a run are and what one utterance costs them, from the configuration.
#pragma once

#include <cstdint>

#include "train/config.h"

namespace spc {

/// Of one network, student or teacher: numbers of values.
struct NetworkSize {
  double backbone = 0;          // trainable
  double head = 0;              // trainable; without `last`
  double last = 0;              // the prototypes, or the directions of the classes
  double folded = 0;            // of FoldedNet's copy of the backbone
  double running = 0;           // statistics of batch norm
  double largest = 0;           // of the tensors
  int64_t norms = 0;            // layers of batch norm in the backbone
  double norm_channels = 0;     // their channels
  int64_t blocks = 0;           // each with a norm (bn) of another one's result (k4.bn)
  double chained_channels = 0;  // of the latter
  int64_t head_norms = 0;       // and those of the head
  double head_norm_channels = 0;

  [[nodiscard]] double trainable() const { return backbone + head + last; }
};

/// @param num_classes  of a pseudo_label run; DINO has its prototypes
NetworkSize network_size(const RunConfig& config, int64_t num_mel_bins, int64_t num_classes);

/// Multiply-adds of one utterance of so many frames through the backbone.
double backbone_multiply_adds(const SpcNetConfig& config, int64_t num_mel_bins, int64_t frames);

}  // namespace spc
