// A training run on all ranks, watched.
#pragma once

#include <string>
#include <vector>

#include "dist/communicator.h"
#include "metrics/metrics.h"
#include "train/config.h"
#include "train/run_folder.h"

namespace spc {

struct TrainArguments {
  RunConfig config;
  ResolvedConfig resolved;          // the same as text
  std::vector<std::string> shards;  // folders
  std::vector<std::string> noise_shards;
  std::string utts;                 // a file: train on these utterances alone; empty: all
  std::string run;                  // the run folder
  std::string init_from;            // a checkpoint to take the first weights from
  std::string labels;               // a file of `utt label` lines, for the objective pseudo_label
  std::vector<std::string> trials;  // "NAME=FILE": evaluate on these lists while training
  std::vector<std::string> eval_shards;  // that hold their utterances; empty: `shards`
  std::string head_init;                 // centroids.h5 whose means the classifier starts from
};

enum class TrainEnd {
  kDone,     // the last step was made
  kStopped,  // asked to stop; everything is saved
};

/// Trains, or goes on with, a run. Collective: every rank calls it with the same arguments.
/// A rank that is gone, stuck or silent is named with every rank's position, and the run ends.
/// @throws Error  bad data, a configuration other than the run's, too many non-finite steps, ranks
/// that differ, a rank that is gone
/// @param metrics  of this rank; may be null
TrainEnd train(const TrainArguments& arguments, Communicator& comm, Metrics* metrics = nullptr);

}  // namespace spc
