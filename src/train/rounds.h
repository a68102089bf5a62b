// Stage 1, rounds of pseudo labels, fine-tuning: one run that can be interrupted anywhere.
#pragma once

#include "dist/communicator.h"
#include "train/stages.h"

namespace spc {

/// Goes through the stages of RUN, or goes on with them; one that is finished is not repeated.
///   RUN/config.ini, run.json, train.jsonl   of the whole
///   RUN/stage-1/                            a run folder
///   RUN/round-R/                            another, with embeddings.h5, what `spcnet cluster`
///                                           writes, agreement.json and losses.h5
///   RUN/finetune/                           another
/// Collective. @throws Error  as train(), extract_to_file() and cluster_embeddings(); a finished
/// stage is of another configuration, or of another stage before it
/// @param metrics  of this rank
TrainEnd train_in_rounds(const RoundsArguments& arguments, Communicator& comm, Metrics& metrics);

}  // namespace spc
