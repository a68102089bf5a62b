// A few real steps on made-up features: how fast this machine is at this network.
#pragma once

#include <cstdint>

#include "dist/communicator.h"
#include "train/config.h"

namespace spc {

/// What is trained on.
struct TrialShape {
  int64_t rows = 0;  // utterances of each rank, as one micro-batch
  int64_t num_mel_bins = 80;
  int64_t num_classes = 0;  // of a pseudo_label run
};

/// Trains the network of `config` for a few steps as `spcnet train` would, but for loader and
/// checkpoints. Collective. @returns seconds of a step: the middle of those after the first, on the
/// slowest rank
double seconds_of_trial_step(RunConfig config, const TrialShape& shape, c10::Device device,
                             Communicator& comm);

}  // namespace spc
