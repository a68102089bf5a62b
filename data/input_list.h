// What is to be packed: a Kaldi wav.scp or a folder of audio files, and who speaks.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace spc {

struct InputItem {
  std::string utt;
  std::string path;  // as the list has it; relative ones start at the working folder
  std::string spk;   // empty where unknown
  double speed = 1;  // as which the recording is taken
};

/// Lines "utt path", where the path is the rest of the line and may hold spaces; empty lines are
/// skipped.
/// @throws Error  names the line: no path, a Kaldi pipe (`command |`), an utterance that occurs
/// twice; or there is no utterance at all
std::vector<InputItem> read_wav_scp(const std::filesystem::path& path);

/// All *.wav, *.flac, *.ogg and *.m4a below the folder, in any case, sorted. An utterance's name is
/// its path below the folder, with '/'. Links to folders are followed, but not in circles.
/// @throws Error  no such folder, nothing in it, a name with a space (lists of utterances are
/// separated by spaces)
std::vector<InputItem> list_wav_dir(const std::filesystem::path& folder);

/// Sets every speaker from lines "utt spk". Lines of other utterances are ignored.
/// @throws Error  names the line that is wrong, or an utterance without a speaker
void assign_speakers(const std::filesystem::path& utt2spk, std::vector<InputItem>& items);

/// Behind the items, all of them once more at each speed, as other utterances of other speakers:
/// "sp0.9-UTT" of "sp0.9-SPK", in Kaldi's names.
/// @throws UsageError  a speed outside 0.5 .. 2, 1, or one that is given twice
/// @throws Error  such a name is in the list already
std::vector<InputItem> with_speeds(std::vector<InputItem> items, const std::vector<double>& speeds);

}  // namespace spc
