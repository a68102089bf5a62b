// Where the weights of a new run come from, if not from chance.
#pragma once

#include <filesystem>

#include "model/tensor_table.h"
#include "train/training_labels.h"

namespace spc {

/// Fills the backbones, "student.backbone.*" and "teacher.backbone.*", with the one of a checkpoint
/// that is meant for use. @throws Error  no such file, a network of other sizes
void init_backbones_from(const std::filesystem::path& checkpoint, const TensorTable& state);

/// Fills the classifier, "student.head.weight": with the means of the clusters that `labels` name,
/// or with that of a checkpoint that was trained on the same labels.
/// @param source  centroids.h5, or a checkpoint
/// @throws Error  no such file, a label that is no cluster of it, embeddings of another dimension,
/// a checkpoint of other labels
void init_head_from(const std::filesystem::path& source, const TrainingLabels& labels,
                    const TensorTable& state);

}  // namespace spc
