// The official folders of VoxCeleb, MUSAN and RIRS_NOISES as lists of audio files.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "data/input_list.h"

namespace spc {

/// Files of a corpus, or of a part of it.
struct FileSet {
  std::string name;              // "vox2_dev"
  std::string looked_for;        // what its files are: "called ... below ..."
  std::vector<InputItem> items;  // sorted by utt; may be none
  int64_t speakers = 0;          // 0: nobody's
  int64_t official_utts = 0;     // how many there should be; 0: not known
  int64_t official_speakers = 0;
};

/// What is in a corpus' folder and in no set.
struct LeftOut {
  std::string path;
  std::string reason;
};

struct Corpus {
  std::vector<FileSet> sets;
  std::vector<LeftOut> left_out;
};

/// "id00012"
bool is_speaker(const std::string& name);

/// VoxCeleb 1 or 2, wav, m4a or flac, as unpacked: `.../idNNNNN/VIDEO/NNNNN.wav` below `dev`,
/// `test`, or both in one. An utterance is called what trial lists call it,
/// `idNNNNN/VIDEO/NNNNN.wav`, in VoxCeleb 1 whatever its file ends with, and its speaker `idNNNNN`.
/// The corpus' own descriptions, .txt below a folder `txt`, are passed over.
/// @param number  1 or 2
/// @returns "voxN_dev" and "voxN_test" as far as they are told apart, else "voxN"; for VoxCeleb 1
/// "vox1", all of it, in any case
/// @throws Error  no such folder, or no speaker's folder in it
Corpus find_voxceleb(const std::filesystem::path& folder, int number);

/// "musan_noise", "musan_music" and "musan_speech". @throws Error  none of them is there
Corpus find_musan(const std::filesystem::path& folder);

/// "rirs_simulated", "rirs_real" and "rirs_noises" (point sources). @throws Error  as above
Corpus find_rirs(const std::filesystem::path& folder);

}  // namespace spc
