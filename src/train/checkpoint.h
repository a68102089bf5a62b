// Checkpoints: RUN/checkpoints/step-00001000.h5. One file with everything a run needs to go on as
// if it had never stopped.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "model/tensor_table.h"
#include "store/tensor_file.h"

namespace spc {

/// What a checkpoint says besides its tensors.
struct CheckpointInfo {
  int64_t step = 0;        // steps done
  int64_t utterances = 0;  // utterances seen by all ranks together
  int64_t num_mel_bins = 0;
  std::string fbank;      // options of the features
  std::string network;    // whose backbone is used for embeddings: "teacher" or "student"
  std::string config;     // resolved, INI
  std::string precision;  // resolved
  std::string data;       // fingerprint of the training utterances
  std::string version;
  std::string next_batch;  // hash of the utterances that come next
};

std::filesystem::path checkpoint_path(const std::filesystem::path& run, int64_t step);
/// RUN/checkpoints/best.h5: of the evaluation with the lowest error rate.
std::filesystem::path best_checkpoint_path(const std::filesystem::path& run);

/// Writes the file whole or not at all. @throws Error  e.g. the disk is full
void save_checkpoint(const std::filesystem::path& path, const TensorTable& state,
                     const CheckpointInfo& info);

/// @throws Error  missing, damaged, or some other file
TensorFile open_checkpoint(const std::filesystem::path& path);

/// @throws Error  an attribute is missing or was changed: not a checkpoint, or damaged
CheckpointInfo read_info(const TensorFile& file);

/// Fills every tensor of the table from the file, under `prefix`. @throws Error  one is missing,
/// has another shape or a wrong checksum
void load_tensors(const TensorFile& file, const std::string& prefix, const TensorTable& table);

/// The newest checkpoint of the run whose every checksum is right; damaged ones are reported and
/// passed over.
std::optional<TensorFile> newest_valid_checkpoint(const std::filesystem::path& run);

/// Renames the checkpoints of later steps than `step` to step-*.h5.damaged: a run that goes on from
/// `step` passed them over, and they must not count among those that it keeps.
void set_aside_later(const std::filesystem::path& run, int64_t step);

/// Deletes all but the newest `keep` and those of every `milestone_steps`-th step (0: none), and
/// what a killed run left half-written.
void delete_old_checkpoints(const std::filesystem::path& run, int64_t keep,
                            int64_t milestone_steps);

/// The checkpoints of a run, newest first.
std::vector<std::filesystem::path> list_checkpoints(const std::filesystem::path& run);

}  // namespace spc
