#include "data/voxceleb.h"

#include <algorithm>
#include <cctype>
#include <map>
#include <set>
#include <system_error>
#include <tuple>

#include "base/error.h"
#include "data/tree.h"
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

bool is_audio(const fs::path& file) {
  const std::string extension = lower_extension(file);
  return extension == ".wav" || extension == ".m4a" || extension == ".flac";
}

FileSet make_set(const std::string& name, const std::string& looked_for) {
  FileSet set;
  set.name = name;
  set.looked_for = looked_for;
  for (const OfficialCount& count : kCounts) {
    if (name != count.set) continue;
    set.official_utts = count.utts;
    set.official_speakers = count.speakers;
  }
  return set;
}

void finish(FileSet& set, std::vector<LeftOut>& left_out) {
  const auto without_extension = [](const std::string& utt) {
    return utt.substr(0, utt.find_last_of('.'));
  };
  // The same utterance as wav and as m4a, or in two places: one stays, the wav.
  const auto key = [&](const InputItem& item) {
    return std::tuple(without_extension(item.utt), lower_extension(item.path) != ".wav", item.path);
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
      left_out.push_back({item.path, concat("is ", kept.back().path, " once more")});
      continue;
    }
    if (!item.spk.empty()) speakers.insert(item.spk);
    kept.push_back(std::move(item));
  }
  set.items = std::move(kept);
  set.speakers = static_cast<int64_t>(speakers.size());
}

/// Why a file is none of a set's, or nothing.
std::string problem_of(const fs::path& file, const std::string& utt) {
  std::error_code problem;
  const uintmax_t size = fs::file_size(file, problem);
  if (!is_audio(file)) return "no wav, m4a or flac";
  if (problem) return problem.message();
  if (size == 0) return "is empty";
  if (utt.find_first_of(" \t\r\n") != std::string::npos)
    return "has a space in its name, at which lists are split; rename it";
  return "";
}

void take(const fs::path& file, const std::string& utt, const std::string& spk, FileSet& set,
          std::vector<LeftOut>& left_out) {
  const std::string problem = problem_of(file, utt);
  if (problem.empty()) {
    set.items.push_back({utt, file.string(), spk});
  } else {
    left_out.push_back({file.string(), problem});
  }
}

fs::path checked_folder(const fs::path& folder) {
  std::error_code problem;
  SPC_CHECK(fs::is_directory(folder, problem), "no folder ", folder.string(),
            problem ? ": " + problem.message() : "");
  return fs::absolute(folder).lexically_normal();
}

/// What could not even be looked at may be why nothing was found.
std::string first_of(const std::vector<LeftOut>& left_out) {
  return left_out.empty() ? "" : concat("; ", left_out[0].path, ": ", left_out[0].reason);
}

/// VoxCeleb in its folder, found set by set.
class VoxcelebFinder {
 public:
  VoxcelebFinder(const fs::path& folder, int number)
      : root_(checked_folder(folder)),
        number_(number),
        looked_for_(concat("called idNNNNN/VIDEO/NNNNN with .wav, .m4a or .flac below ",
                           folder.string())) {}

  Corpus find() {
    TreeVisitor visitor = odd_only();
    visitor.enter = [this](const fs::path& folder) {
      if (!is_speaker(folder.filename().string())) return true;
      take_speaker(folder);
      return false;
    };
    walk_tree(root_, visitor);
    SPC_CHECK(!sets_.empty(), root_.string(),
              " holds no folder of a speaker, idNNNNN; give the folder that VoxCeleb ", number_,
              " was unpacked into", first_of(corpus_.left_out));
    FileSet all = make_set(concat("vox", number_), looked_for_);
    for (auto& [part, set] : sets_) {
      finish(set, corpus_.left_out);
      if (number_ == 1 && !part.empty())
        all.items.insert(all.items.end(), set.items.begin(), set.items.end());
      corpus_.sets.push_back(std::move(set));
    }
    if (!all.items.empty()) {
      finish(all, corpus_.left_out);
      corpus_.sets.push_back(std::move(all));
    }
    return std::move(corpus_);
  }

 private:
  TreeVisitor odd_only() {
    TreeVisitor visitor;
    visitor.odd = [this](const fs::path& path, const std::string& reason) {
      corpus_.left_out.push_back({path.string(), reason});
    };
    return visitor;
  }

  FileSet& set_of(const fs::path& speaker) {
    std::string part;
    for (const fs::path& each : speaker.lexically_relative(root_)) {
      if (each.string().find("dev") != std::string::npos) part = "_dev";
      if (each.string().find("test") != std::string::npos) part = "_test";
    }
    const auto made = sets_.try_emplace(part, make_set(concat("vox", number_, part), looked_for_));
    return made.first->second;
  }

  /// The corpus' own, one beside each recording.
  [[nodiscard]] bool is_description(const fs::path& file) const {
    const fs::path below = file.lexically_relative(root_).parent_path();
    return lower_extension(file) == ".txt" &&
           std::find(below.begin(), below.end(), "txt") != below.end();
  }

  /// All files below a speaker's folder.
  void take_speaker(const fs::path& folder) {
    FileSet& set = set_of(folder);
    TreeVisitor visitor = odd_only();
    visitor.file = [&](const fs::path& file) {
      if (is_description(file)) return;
      fs::path utt = file.lexically_relative(folder.parent_path());
      const bool usual =
          std::distance(utt.begin(), utt.end()) == 3 && has_form(utt.stem().string(), "", 5);
      if (!usual) {
        corpus_.left_out.push_back({file.string(), "is not called idNNNNN/VIDEO/NNNNN"});
        return;
      }
      // The official lists of trials say .wav.
      if (number_ == 1 && is_audio(file)) utt.replace_extension(".wav");
      take(file, utt.generic_string(), folder.filename().string(), set, corpus_.left_out);
    };
    walk_tree(folder, visitor);
  }

  const fs::path root_;
  const int number_;
  const std::string looked_for_;
  std::map<std::string, FileSet> sets_;  // by the part
  Corpus corpus_;
};

Corpus find_parts(const fs::path& given,
                  const std::vector<std::pair<const char*, const char*>>& folder_and_name) {
  const fs::path root = checked_folder(given);
  Corpus corpus;
  std::string wanted;
  for (const auto& [part, name] : folder_and_name) {
    wanted += concat(wanted.empty() ? "" : ", ", part);
    const fs::path folder = root / part;
    std::error_code problem;
    if (!fs::is_directory(folder, problem)) {
      if (problem && problem != std::errc::no_such_file_or_directory)
        corpus.left_out.push_back({folder.string(), problem.message()});
      continue;
    }
    FileSet& set = corpus.sets.emplace_back(
        make_set(name, concat("with .wav, .m4a or .flac below ", (given / part).string())));
    TreeVisitor visitor;
    visitor.file = [&](const fs::path& file) {
      if (!is_audio(file)) return;  // they have read-me files
      take(file, file.lexically_relative(root).generic_string(), "", set, corpus.left_out);
    };
    visitor.odd = [&](const fs::path& path, const std::string& reason) {
      corpus.left_out.push_back({path.string(), reason});
    };
    walk_tree(folder, visitor);
    finish(set, corpus.left_out);
  }
  SPC_CHECK(!corpus.sets.empty(), "none of ", wanted, " is in ", given.string(),
            first_of(corpus.left_out));
  return corpus;
}

}  // namespace

bool is_speaker(const std::string& name) {
  return has_form(name, "id", 5);
}

Corpus find_voxceleb(const fs::path& folder, int number) {
  return VoxcelebFinder(folder, number).find();
}

Corpus find_musan(const fs::path& folder) {
  return find_parts(
      folder, {{"noise", "musan_noise"}, {"music", "musan_music"}, {"speech", "musan_speech"}});
}

Corpus find_rirs(const fs::path& folder) {
  return find_parts(folder, {{"simulated_rirs", "rirs_simulated"},
                             {"real_rirs_isotropic_noises", "rirs_real"},
                             {"pointsource_noises", "rirs_noises"}});
}

}  // namespace spc
