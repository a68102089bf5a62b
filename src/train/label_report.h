// What a run says and keeps of its labels, epoch by epoch; and where its classifier starts.
#pragma once

#include <ATen/core/Tensor.h>

#include <filesystem>

#include "store/shard_set.h"
#include "train/label_ledger.h"
#include "train/run_folder.h"
#include "train/training_labels.h"

namespace spc {

/// A line on the screen, one in train.jsonl ("event": "labels"), and the warnings.
void report_labels(const LabelReport& report, const TrainingLabels& labels, RunFolder& folder);

/// RUN/losses.h5, of the last epoch that has ended: `/utt`, `/loss` float32 (NaN: unknown),
/// `/decision` int32 (-1 trusted, -2 dropped, else the class that it was corrected to). A failure
/// is an error on the screen; training goes on.
void save_losses(const std::filesystem::path& run, const ShardSet& shards, int64_t epoch,
                 const at::Tensor& losses, const at::Tensor& decisions);

/// Copies the means of the clusters that `labels` name into the classifier, "student.head.weight".
/// @throws Error  no such file, a label that is no cluster of it, embeddings of another dimension
void init_head_from(const std::filesystem::path& centroids, const TrainingLabels& labels,
                    const TensorTable& state);

}  // namespace spc
