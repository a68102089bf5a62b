// The official trial lists of VoxCeleb 1, among the files of the corpus.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "data/voxceleb.h"

namespace spc {

/// By the name that its file has on the official page.
struct OfficialTrials {
  const char* file;  // "veri_test2.txt"
  const char* name;  // "O"
  int64_t trials;
  bool usual;  // O, E and H: what tables are made of
};
/// Cleaned ones are O, E and H, the first edition's O-first, E-first, H-first.
const std::vector<OfficialTrials>& official_trials();

/// One that was looked for.
struct FoundTrials {
  OfficialTrials list;
  std::filesystem::path path;  // of the first, by name, that holds trials; empty: there is none
  std::string text;            // its content
  int64_t trials = 0;          // lines `0|1 utt utt`
  int64_t wrong_lines = 0;     // others, but for empty ones
  int64_t first_wrong = 0;     // 1 ..
  std::vector<std::filesystem::path> others;  // whose content is another one
  std::vector<std::string> refused;  // "path: reason" of those without a trial, such as web pages
};

/// Looks for every official list below the folder, but not among the recordings.
/// @param left_out  gets folders that are called as a list is
std::vector<FoundTrials> find_trials(const std::filesystem::path& folder,
                                     std::vector<LeftOut>& left_out);

}  // namespace spc
