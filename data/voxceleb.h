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
  std::vector<InputItem> items;  // sorted by utt
  std::vector<std::string> odd;  // "path: why it is left out"
  int64_t speakers = 0;          // 0: nobody's
  int64_t official_utts = 0;     // how many there should be; 0: not known
  int64_t official_speakers = 0;
};

/// VoxCeleb 1 or 2, wav or m4a, as unpacked: `.../idNNNNN/VIDEO/NNNNN.wav` below `dev`, `test`, or
/// both in one. An utterance is called what trial lists call it, `idNNNNN/VIDEO/NNNNN.wav`, and its
/// speaker `idNNNNN`.
/// @param number  1 or 2
/// @returns "voxN_dev" and "voxN_test" as far as they are told apart, else "voxN"; for VoxCeleb 1
/// "vox1", all of it, in any case
/// @throws Error  no such folder, or no file of this form in it
std::vector<FileSet> find_voxceleb(const std::filesystem::path& folder, int number);

/// "musan_noise", "musan_music" and "musan_speech". @throws Error  none of them is there
std::vector<FileSet> find_musan(const std::filesystem::path& folder);

/// "rirs_simulated", "rirs_real" and "rirs_noises" (point sources). @throws Error  as above
std::vector<FileSet> find_rirs(const std::filesystem::path& folder);

/// A trial list of VoxCeleb 1, by the name that its file has on the official page.
struct OfficialTrials {
  const char* file;  // "veri_test2.txt"
  const char* name;  // "O"
  int64_t trials;
};
/// Cleaned ones are O, E and H, the first edition's O-first, E-first, H-first.
const std::vector<OfficialTrials>& official_trials();

}  // namespace spc
