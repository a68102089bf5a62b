// What a run says and keeps of its labels, epoch by epoch.
#pragma once

#include <ATen/core/Tensor.h>

#include <filesystem>
#include <vector>

#include "store/shard_set.h"
#include "train/label_ledger.h"
#include "train/run_folder.h"
#include "train/training_labels.h"

namespace spc {

/// What the gate is set on, of the utterances whose loss is known. @param losses  float32 [U]; NaN:
/// unknown
std::vector<double> log_losses(const at::Tensor& losses);

/// A line on the screen, one in train.jsonl ("event": "labels", with a histogram of the log
/// losses), and the warnings. @param losses  as above
void report_labels(const LabelReport& report, const at::Tensor& losses,
                   const TrainingLabels& labels, RunFolder& folder);

/// RUN/losses.h5, of the last epoch that has ended: `/utt`, `/loss` float32 (NaN: unknown),
/// `/decision` int32 (-1 trusted, -2 dropped, else the class that it was corrected to). A failure
/// is an error on the screen; training goes on.
void save_losses(const std::filesystem::path& run, const ShardSet& shards, int64_t epoch,
                 const at::Tensor& losses, const at::Tensor& decisions);

}  // namespace spc
