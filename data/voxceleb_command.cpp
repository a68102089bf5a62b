#include <algorithm>
#include <filesystem>
#include <iostream>

#include "base/error.h"
#include "base/file.h"
#include "base/log.h"
#include "base/options.h"
#include "data/commands.h"
#include "data/out_folder.h"
#include "data/text.h"
#include "data/trial_lists.h"
#include "data/voxceleb.h"

namespace spc {
namespace {

namespace fs = std::filesystem;

constexpr const char* kVoxcelebUsage =
    R"(spcnet-data voxceleb: lists of VoxCeleb, MUSAN and RIRS_NOISES as they are unpacked.

  spcnet-data voxceleb --vox1 VoxCeleb1 --vox2 VoxCeleb2 --musan musan --rirs RIRS_NOISES --out lists
  spcnet-data fbank --wav-scp lists/vox2_dev/wav.scp --utt2spk lists/vox2_dev/utt2spk --out shards-vox2

Writes SET/wav.scp and, of VoxCeleb, SET/utt2spk for every set that is found, and trials/NAME.txt, the
official lists unchanged. Utterances are called what the lists call them. What is left out stands in
left_out.txt, lines "path<TAB>reason". Says how much of the official corpora is there; when something
is missing the exit code is 1, or 0 with --allow-missing. A set without any file is an error, and so
is a trial list without trials.)";

constexpr size_t kMaxListed = 20;
constexpr const char* kPage = "https://mm.kaist.ac.kr/datasets/voxceleb/meta/";

struct VoxcelebCommand {
  std::string vox1;
  std::string vox2;
  std::string musan;
  std::string rirs;
  std::string out;
  bool allow_missing = false;

  void add_to(OptionSet& options) {
    options.add("vox1", vox1, "folder of VoxCeleb1, with its trial lists");
    options.add("vox2", vox2, "folder of VoxCeleb2, wav or m4a");
    options.add("musan", musan, "folder of MUSAN");
    options.add("rirs", rirs, "folder of RIRS_NOISES");
    options.add("out", out, "folder for the lists; required");
    options.add_switch("allow-missing", allow_missing, "a part of a corpus is enough");
    options.add_check([this] {
      SPC_USAGE_CHECK(!(vox1.empty() && vox2.empty() && musan.empty() && rirs.empty()),
                      "give a corpus by --vox1, --vox2, --musan or --rirs DIR");
      SPC_USAGE_CHECK(!out.empty(), "give the folder for the lists by --out DIR");
    });
  }

  [[nodiscard]] std::vector<Corpus> find() const {
    std::vector<Corpus> corpora;
    if (!vox1.empty()) corpora.push_back(find_voxceleb(vox1, 1));
    if (!vox2.empty()) corpora.push_back(find_voxceleb(vox2, 2));
    if (!musan.empty()) corpora.push_back(find_musan(musan));
    if (!rirs.empty()) corpora.push_back(find_rirs(rirs));
    return corpora;
  }
};

/// What keeps the command from ending well.
struct Shortfall {
  int64_t missing = 0;  // utterances, files, trials; --allow-missing permits it
  int64_t errors = 0;   // what nothing permits
};

void write_lists(const FileSet& set, const fs::path& out) {
  make_out_folder(out / set.name);
  std::string scp;
  std::string utt2spk;
  for (const InputItem& item : set.items) {
    scp += item.utt + " " + item.path + "\n";
    utt2spk += item.utt + " " + item.spk + "\n";
  }
  write_text_atomically(out / set.name / "wav.scp", scp);
  if (set.speakers > 0) write_text_atomically(out / set.name / "utt2spk", utt2spk);
}

/// "1092000 of 1092009 utterances of 5994 speakers"
std::string count_text(const FileSet& set) {
  std::string text = concat(set.name, ": ", set.items.size());
  if (set.official_utts > 0) text += concat(" of ", set.official_utts);
  text += set.speakers > 0 ? " utterances" : " files";
  if (set.speakers > 0) text += concat(" of ", set.speakers, " speakers");
  if (set.speakers > 0 && set.official_speakers > set.speakers)
    text += concat(" (of ", set.official_speakers, ")");
  return text;
}

/// Warns of what there is too little or too much of.
void compare(const FileSet& set, Shortfall& shortfall) {
  const std::string word = set.speakers > 0 ? "utterance" : "file";
  const auto count = static_cast<int64_t>(set.items.size());
  const int64_t missing = set.official_utts - count;
  if (set.official_utts > 0 && missing > 0) {
    log_warning(concat(set.name, ": ", counted(missing, word),
                       " of the official corpus are missing; unpack all of its archives"));
    shortfall.missing += missing;
  }
  if (set.official_utts > 0 && missing < 0)
    log_warning(concat(set.name, ": ", counted(-missing, word),
                       " more than the official corpus has; is another one among them?"));
  if (set.official_speakers > 0 && set.speakers > set.official_speakers)
    log_warning(concat(set.name, ": ", counted(set.speakers - set.official_speakers, "speaker"),
                       " more than the official corpus has; is another one among them?"));
}

void take_sets(const Corpus& corpus, const fs::path& out, Shortfall& shortfall) {
  for (const FileSet& set : corpus.sets) {
    if (set.items.empty()) {
      log_error(concat(set.name, ": no file ", set.looked_for));
      ++shortfall.errors;
      continue;
    }
    write_lists(set, out);
    std::cout << count_text(set) << std::endl;
    compare(set, shortfall);
  }
}

/// All of them in the file, the first ones on the screen.
void tell_left_out(const std::vector<Corpus>& corpora, const fs::path& out) {
  const fs::path file = out / "left_out.txt";
  std::string text;
  int64_t count = 0;
  for (const Corpus& corpus : corpora) {
    for (size_t i = 0; i < corpus.left_out.size(); ++i) {
      auto [path, reason] = corpus.left_out[i];
      if (i < kMaxListed) log_warning(concat("left out ", path, ": ", reason));
      std::replace_if(
          path.begin(), path.end(), [](char c) { return c == '\t' || c == '\n'; }, '?');
      text += concat(path, "\t", reason, "\n");
    }
    count += static_cast<int64_t>(corpus.left_out.size());
    if (corpus.left_out.size() > kMaxListed)
      log_warning(
          concat("and ", corpus.left_out.size() - kMaxListed, " more, see ", file.string()));
  }
  if (count == 0) {
    fs::remove(file);  // of an earlier run
  } else {
    write_text_atomically(file, text);
    log_warning(concat(counted(count, "file"), count == 1 ? " is" : " are", " left out, all in ",
                       file.string()));
  }
}

/// Copies a list, or removes what an earlier run copied; says what is wrong with it.
void take_trials(const FoundTrials& found, const fs::path& vox1, const fs::path& out,
                 Shortfall& shortfall) {
  const OfficialTrials& list = found.list;
  const fs::path target = out / "trials" / concat(list.name, ".txt");
  const bool lacks = found.path.empty() && !found.refused.empty();
  for (const std::string& refused : found.refused) {
    const std::string text =
        concat("trials ", list.name, ": ", refused, "; fetch ", kPage, list.file);
    lacks ? log_error(text) : log_warning(text);
  }
  shortfall.errors += lacks ? 1 : 0;
  if (found.path.empty()) {
    fs::remove(target);
    if (!list.usual) return;
    if (found.refused.empty())
      log_warning(concat("trials ", list.name, ": no ", list.file, " below ", vox1.string(),
                         "; fetch ", kPage, list.file));
    shortfall.missing += list.trials;
    return;
  }
  make_out_folder(out / "trials");
  write_text_atomically(target, found.text);
  std::cout << "trials " << list.name << ": " << found.trials << " of " << list.trials << ", "
            << found.path.string() << std::endl;
  for (const fs::path& other : found.others)
    log_warning(concat("trials ", list.name, ": ", other.string(), " differs from ",
                       found.path.string(), ", which is taken"));
  if (found.wrong_lines > 0)
    log_warning(concat("trials ", list.name, ": ", counted(found.wrong_lines, "line"), " of ",
                       found.path.string(), " are no `0|1 utterance utterance`, the first is line ",
                       found.first_wrong));
  if (found.trials > list.trials)
    log_warning(concat("trials ", list.name, ": ", counted(found.trials - list.trials, "trial"),
                       " more than the official list has"));
  shortfall.missing += std::max<int64_t>(0, list.trials - found.trials);
}

}  // namespace

int voxceleb_command(const Arguments& arguments) {
  VoxcelebCommand command;
  OptionSet options(kVoxcelebUsage);
  command.add_to(options);
  if (!options.parse(arguments)) return kExitDone;
  std::vector<Corpus> corpora = command.find();
  std::vector<FoundTrials> trials;
  if (!command.vox1.empty()) trials = find_trials(command.vox1, corpora.front().left_out);
  make_out_folder(command.out);
  Shortfall shortfall;
  for (const Corpus& corpus : corpora) take_sets(corpus, command.out, shortfall);
  tell_left_out(corpora, command.out);
  for (const FoundTrials& found : trials) take_trials(found, command.vox1, command.out, shortfall);
  SPC_CHECK(shortfall.errors == 0, "see the errors above; the lists in ", command.out,
            " hold all the rest");
  SPC_CHECK(shortfall.missing == 0 || command.allow_missing,
            "the corpora are not complete, see above; the lists in ", command.out,
            " hold what is there. --allow-missing takes that for enough");
  return kExitDone;
}

}  // namespace spc
