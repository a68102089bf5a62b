#include "data/voxceleb.h"

#include <algorithm>
#include <cctype>
#include <map>
#include <set>
#include <tuple>

#include "base/error.h"
#include "feat/wave.h"

namespace spc {
namespace {

namespace fs = std::filesystem;

struct OfficialCount {
  const char* set;
  int64_t utts;
  int64_t speakers;
};
// Of the official pages.
constexpr OfficialCount kCounts[] = {
    {"vox1_dev", 148642, 1211},  {"vox1_test", 4874, 40},   {"vox1", 153516, 1251},
    {"vox2_dev", 1092009, 5994}, {"vox2_test", 36237, 118}, {"musan_noise", 930, 0},
    {"musan_music", 660, 0},     {"musan_speech", 426, 0},
};

bool has_form(const std::string& text, const std::string& prefix, size_t digits) {
  return text.size() == prefix.size() + digits && text.starts_with(prefix) &&
         std::all_of(text.begin() + static_cast<std::ptrdiff_t>(prefix.size()), text.end(),
                     [](unsigned char c) { return std::isdigit(c) != 0; });
}

bool is_speaker(const std::string& name) {
  return has_form(name, "id", 5);
}

bool is_audio(const fs::path& file) {
  const std::string extension = lower_extension(file);
  return extension == ".wav" || extension == ".m4a" || extension == ".flac";
}

FileSet make_set(const std::string& name) {
  FileSet set;
  set.name = name;
  for (const OfficialCount& count : kCounts) {
    if (name != count.set) continue;
    set.official_utts = count.utts;
    set.official_speakers = count.speakers;
  }
  return set;
}

void finish(FileSet& set) {
  const auto without_extension = [](const std::string& utt) {
    return utt.substr(0, utt.find_last_of('.'));
  };
  // The same utterance as wav and as m4a, or in two places: one stays, the wav.
  const auto key = [&](const InputItem& item) {
    return std::tuple(without_extension(item.utt), !item.utt.ends_with(".wav"), item.path);
  };
  const auto same = [&](const InputItem& a, const InputItem& b) {
    return without_extension(a.utt) == without_extension(b.utt);
  };
  std::sort(set.items.begin(), set.items.end(),
            [&](const InputItem& a, const InputItem& b) { return key(a) < key(b); });
  std::vector<InputItem> kept;
  std::set<std::string> speakers;
  for (InputItem& item : set.items) {
    if (!kept.empty() && same(kept.back(), item)) {
      set.odd.push_back(concat(item.path, ": is ", kept.back().path, " once more"));
      continue;
    }
    if (!item.spk.empty()) speakers.insert(item.spk);
    kept.push_back(std::move(item));
  }
  set.items = std::move(kept);
  set.speakers = static_cast<int64_t>(speakers.size());
}

/// Takes a file, or says why not. @returns whether it is one
void take(const fs::directory_entry& entry, const std::string& utt, const std::string& spk,
          FileSet& set) {
  const std::string path = entry.path().string();
  if (!is_audio(entry.path())) {
    set.odd.push_back(path + ": no wav, m4a or flac");
  } else if (entry.file_size() == 0) {
    set.odd.push_back(path + ": is empty");
  } else if (utt.find_first_of(" \t\r\n") != std::string::npos) {
    set.odd.push_back(path + ": has a space in its name, at which lists are split; rename it");
  } else {
    set.items.push_back({utt, path, spk});
  }
}

/// All files below a speaker's folder.
void take_speaker(const fs::path& folder, FileSet& set) {
  const fs::path root = folder.parent_path();
  for (const fs::directory_entry& entry :
       fs::recursive_directory_iterator(folder, fs::directory_options::follow_directory_symlink)) {
    if (entry.is_directory()) continue;
    const fs::path below = entry.path().lexically_relative(root);
    const bool usual =
        std::distance(below.begin(), below.end()) == 3 && has_form(below.stem().string(), "", 5);
    if (usual) {
      take(entry, below.generic_string(), folder.filename().string(), set);
    } else {
      set.odd.push_back(entry.path().string() + ": is not called idNNNNN/VIDEO/NNNNN");
    }
  }
}

fs::path checked_folder(const fs::path& folder) {
  SPC_CHECK(fs::is_directory(folder), "no folder ", folder.string());
  return fs::absolute(folder).lexically_normal();
}

FileSet files_below(const fs::path& root, const fs::path& folder, const std::string& name) {
  FileSet set = make_set(name);
  for (const fs::directory_entry& entry :
       fs::recursive_directory_iterator(folder, fs::directory_options::follow_directory_symlink)) {
    if (entry.is_directory() || !is_audio(entry.path())) continue;  // they have read-me files
    take(entry, entry.path().lexically_relative(root).generic_string(), "", set);
  }
  finish(set);
  return set;
}

std::vector<FileSet> find_parts(
    const fs::path& given,
    const std::vector<std::pair<const char*, const char*>>& folder_and_name) {
  const fs::path root = checked_folder(given);
  std::vector<FileSet> sets;
  std::string wanted;
  for (const auto& [folder, name] : folder_and_name) {
    wanted += concat(wanted.empty() ? "" : ", ", folder);
    if (fs::is_directory(root / folder)) sets.push_back(files_below(root, root / folder, name));
  }
  SPC_CHECK(!sets.empty(), "none of ", wanted, " is in ", given.string());
  return sets;
}

}  // namespace

std::vector<FileSet> find_voxceleb(const fs::path& folder, int number) {
  const fs::path root = checked_folder(folder);
  const std::string corpus = concat("vox", number);
  std::map<std::string, FileSet> sets;  // by the part
  for (fs::recursive_directory_iterator entry(root,
                                              fs::directory_options::follow_directory_symlink);
       entry != fs::recursive_directory_iterator(); ++entry) {
    if (!entry->is_directory() || !is_speaker(entry->path().filename().string())) continue;
    entry.disable_recursion_pending();
    std::string part;
    for (const fs::path& each : entry->path().lexically_relative(root)) {
      if (each.string().find("dev") != std::string::npos) part = "_dev";
      if (each.string().find("test") != std::string::npos) part = "_test";
    }
    take_speaker(entry->path(), sets.try_emplace(part, make_set(corpus + part)).first->second);
  }
  SPC_CHECK(!sets.empty(), folder.string(),
            " holds no folder of a speaker, idNNNNN; give the folder that VoxCeleb ", number,
            " was unpacked into");
  std::vector<FileSet> found;
  FileSet all = make_set(corpus);
  for (auto& [part, set] : sets) {
    if (number == 1 && !part.empty())
      all.items.insert(all.items.end(), set.items.begin(), set.items.end());
    finish(set);
    found.push_back(std::move(set));
  }
  if (!all.items.empty()) {
    finish(all);
    found.push_back(std::move(all));
  }
  return found;
}

std::vector<FileSet> find_musan(const fs::path& folder) {
  return find_parts(
      folder, {{"noise", "musan_noise"}, {"music", "musan_music"}, {"speech", "musan_speech"}});
}

std::vector<FileSet> find_rirs(const fs::path& folder) {
  return find_parts(folder, {{"simulated_rirs", "rirs_simulated"},
                             {"real_rirs_isotropic_noises", "rirs_real"},
                             {"pointsource_noises", "rirs_noises"}});
}

const std::vector<OfficialTrials>& official_trials() {
  static const std::vector<OfficialTrials> lists{
      {"veri_test2.txt", "O", 37611},           {"list_test_all2.txt", "E", 579818},
      {"list_test_hard2.txt", "H", 550894},     {"veri_test.txt", "O-first", 37720},
      {"list_test_all.txt", "E-first", 581480}, {"list_test_hard.txt", "H-first", 552536}};
  return lists;
}

}  // namespace spc
