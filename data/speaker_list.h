// Who speaks what in a folder of shards, as a list that `spcnet train --labels` reads.
#pragma once

#include <filesystem>

namespace spc {

inline constexpr const char* kSpeakerList = "utt2spk";

/// Writes FOLDER/utt2spk, lines "utt spk" of the utterances in the shards whose speakers are known,
/// in the shards' order, as soon as all `parts` parts are there: the one that ends last writes it.
/// Without any speaker it writes none.
/// @throws Error  the parts do not belong together, a shard cannot be read, the disk is full
void write_speaker_list(const std::filesystem::path& folder, int part, int parts);

}  // namespace spc
